package lambda_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

// soon is an expression for the second after this one.
func soon() string {
	return time.Now().Add(time.Second).UTC().Format("at(2006-01-02T15:04:05)")
}

func TestSchedulesInvoke(t *testing.T) {
	st := serve(t, nil, function("f"), function("g"))
	dir := t.TempDir()
	record := func(name string) string {
		return string(marshal(t, event{Do: "record", File: filepath.Join(dir, name)}))
	}
	if err := st.StartSchedules([]lambda.Schedule{
		{Expression: soon(), Function: "f", Input: record("replaced"), Enabled: true},
	}); err != nil {
		t.Fatal(err)
	}
	if err := st.StartSchedules([]lambda.Schedule{
		{Expression: soon(), Function: "f", Input: record("disabled")},
		{Expression: soon(), Function: "arn:aws:lambda:us-east-1:000000000000:function:f", Input: record("enabled"), Enabled: true},
	}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the schedule has invoked", func() bool { return len(lines(t, filepath.Join(dir, "enabled"))) == 1 })
	for _, name := range []string{"replaced", "disabled"} {
		if n := len(lines(t, filepath.Join(dir, name))); n != 0 {
			t.Errorf("the %s schedule has invoked", name)
		}
	}
}

func TestScheduleWithoutInputSendsTheStandardEvent(t *testing.T) {
	st := serve(t, nil, function("f", env("INIT", "hang")))
	if err := st.StartSchedules([]lambda.Schedule{{Name: "rotate", Expression: soon(), Function: "f", Enabled: true}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "an instance starts", func() bool { return len(st.Instances()) == 1 && st.Instances()[0].PID != 0 })
	rt := &runtimeClient{t, st, st.url + runtimePath + "/" + st.Instances()[0].ID}
	_, body := rt.do("GET", apiPath+"/invocation/next", nil)
	got := unmarshal[map[string]any](t, []byte(body))
	if got["detail-type"] != "Scheduled Event" || got["source"] != "aws.events" || got["account"] != "000000000000" ||
		!strings.Contains(body, `"resources":["arn:aws:events:us-east-1:000000000000:rule/rotate"]`) {
		t.Errorf("event %s", body)
	}
}

func TestInvalidSchedulesAreRefused(t *testing.T) {
	st := serve(t, nil, function("f"))
	for want, schedule := range map[string]lambda.Schedule{
		"schedule f: expression":         {Expression: "never", Function: "f", Enabled: true},
		"schedule nightly: input is not": {Name: "nightly", Expression: "rate(1 day)", Function: "f", Input: "{"},
		"schedule g: ResourceNotFound":   {Expression: "rate(1 day)", Function: "g"},
	} {
		if err := st.StartSchedules([]lambda.Schedule{schedule}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
