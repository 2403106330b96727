package lambda_test

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

// soon returns an expression for a time in three seconds. An occurrence that
// has passed when a schedule starts never fires.
func soon() string {
	return time.Now().Add(3 * time.Second).UTC().Format("at(2006-01-02T15:04:05)")
}

func TestSchedulesInvoke(t *testing.T) {
	t.Parallel()
	st := serve(t, nil, function("f"), function("g"))
	dir := t.TempDir()
	record := func(name string) string {
		return string(marshal(t, event{Do: "record", File: filepath.Join(dir, name)}))
	}
	if err := st.startSchedules([]lambda.Schedule{
		{Expression: soon(), Function: "f", Input: record("replaced"), Enabled: true},
	}); err != nil {
		t.Fatal(err)
	}
	if err := st.startSchedules([]lambda.Schedule{
		{Expression: soon(), Function: "f", Input: record("disabled")},
		{
			Expression: soon(),
			Function:   "arn:aws:lambda:us-east-1:000000000000:function:f",
			Input:      record("enabled"),
			Enabled:    true,
		},
	}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the schedule fires", func() bool { return len(lines(t, filepath.Join(dir, "enabled"))) == 1 })
	for _, name := range []string{"replaced", "disabled"} {
		if n := len(lines(t, filepath.Join(dir, name))); n != 0 {
			t.Errorf("the %s schedule fired %d times, want 0", name, n)
		}
	}
}

// scheduled starts one schedule and returns the event that its function gets.
func scheduled(t *testing.T, schedule lambda.Schedule) map[string]any {
	t.Helper()
	st := serve(t, nil, function("sink", env("INIT", "hang")))
	schedule.Name, schedule.Function, schedule.Enabled, schedule.Expression = "nightly", "sink", true, soon()
	if err := st.startSchedules([]lambda.Schedule{schedule}); err != nil {
		t.Fatal(err)
	}
	return unmarshal[map[string]any](t, []byte(delivered(t, st, "of no request")))
}

func TestScheduledEvents(t *testing.T) {
	const arn = "arn:aws:scheduler:us-east-1:000000000000:schedule/default/nightly"
	for name, test := range map[string]struct {
		schedule lambda.Schedule
		want     map[string]any // some members of the event
	}{
		"rule": {lambda.Schedule{}, map[string]any{
			"version": "0", "source": "aws.events", "detail-type": "Scheduled Event",
			"account": "000000000000", "region": "us-east-1",
			"detail": map[string]any{}, "resources": []any{"arn:aws:events:us-east-1:000000000000:rule/nightly"}}},
		"scheduler": {lambda.Schedule{Source: "aws.scheduler"}, map[string]any{
			"version": "0", "source": "aws.scheduler", "detail-type": "Scheduled Event",
			"account": "000000000000", "region": "us-east-1",
			"detail": "{}", "resources": []any{arn}}},
		"rule's input": {lambda.Schedule{Input: `{"a":"<aws.scheduler.schedule-arn>"}`},
			map[string]any{"a": "<aws.scheduler.schedule-arn>"}},
		"scheduler's input": {
			lambda.Schedule{
				Source: "aws.scheduler",
				Input:  `{"a":"<aws.scheduler.schedule-arn>","n":"<aws.scheduler.attempt-number>","time":"<aws.scheduler.scheduled-time>"}`,
			},
			map[string]any{"a": arn, "n": "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := scheduled(t, test.schedule)
			for key, want := range test.want {
				if !reflect.DeepEqual(got[key], want) {
					t.Errorf("%s: got %v, want %v", key, got[key], want)
				}
			}
			if text, ok := got["time"].(string); ok {
				if at, err := time.Parse(time.RFC3339, text); err != nil || time.Since(at) > time.Minute {
					t.Errorf("got the time %q, want that of the occurrence", text)
				}
			}
		})
	}
}

func TestInvalidSchedulesAreRefused(t *testing.T) {
	st := serve(t, nil, function("f"))
	for want, schedule := range map[string]lambda.Schedule{
		"schedule f: expression":         {Expression: "never", Function: "f", Enabled: true},
		"schedule nightly: input is not": {Name: "nightly", Expression: "rate(1 day)", Function: "f", Input: "{"},
		`schedule f: source "aws.cron"`:  {Source: "aws.cron", Expression: "rate(1 day)", Function: "f"},
		"schedule g: ResourceNotFound":   {Expression: "rate(1 day)", Function: "g"},
	} {
		if err := st.startSchedules([]lambda.Schedule{schedule}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}
