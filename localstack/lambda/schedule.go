package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
)

// Schedule invokes a function asynchronously at the times of an expression.
type Schedule struct {
	// Name is the name of the rule or schedule, for the ARN in the event and
	// for the log; Function if empty.
	Name string
	// Source is aws.events for a rule of EventBridge or aws.scheduler for a
	// schedule of EventBridge Scheduler in the default group; aws.events if
	// empty.
	Source string
	// Expression is rate(value unit), cron(six fields) or at(local time), as
	// for EventBridge.
	Expression string
	// Timezone is an IANA time zone for cron and at; UTC if empty.
	Timezone string
	// Function is a name or ARN.
	Function string
	// Input is the JSON text that the function gets. For aws.scheduler, context
	// attributes such as <aws.scheduler.scheduled-time> are replaced. If Input
	// is empty, the function gets the service's "Scheduled Event".
	Input   string
	Enabled bool
}

// maxSleep bounds the timers of a schedule. Timers stop while a laptop sleeps,
// so a schedule compares the wall clock with the next occurrence this often.
const maxSleep = 30 * time.Second

// runSchedule invokes the function at each occurrence after last.
func (s *Service) runSchedule(ctx context.Context, sch Schedule, t trigger, last time.Time) {
	for {
		next, ok := t.next(last)
		if !ok {
			return
		}
		next = next.Round(0) // removes the monotonic clock, which stops with the timers
		for wait := time.Until(next); wait > 0; wait = time.Until(next) {
			select {
			case <-time.After(min(wait, maxSleep)):
			case <-ctx.Done():
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
		last = next
		if late := time.Now(); late.Sub(next) > maxSleep {
			last = late
		}
		if _, err := s.InvokeAsync(ctx, sch.Function, s.scheduledInput(sch, next)); err != nil {
			s.log.Error("scheduled invocation refused", "schedule", sch.Name, "function", sch.Function, "err", err)
		}
	}
}

// The sources of scheduled events.
const (
	fromEvents    = "aws.events"
	fromScheduler = "aws.scheduler"
)

// scheduledInput returns the event for one occurrence: the Input or the event
// of the service (EventBridge user guide; EventBridge Scheduler user guide,
// "Adding context attributes").
func (s *Service) scheduledInput(sch Schedule, at time.Time) []byte {
	arn := awsname.ARN("events", s.opt.Region, s.opt.Account, "rule/"+sch.Name)
	var detail any = struct{}{}
	if sch.Source == fromScheduler {
		arn = awsname.ARN("scheduler", s.opt.Region, s.opt.Account, "schedule/default/"+sch.Name)
		detail = "{}" // a string; the detail of a rule is an object
	}
	stamp := at.UTC().Format(time.RFC3339)
	switch {
	case sch.Input != "" && sch.Source == fromScheduler:
		return []byte(strings.NewReplacer(
			"<aws.scheduler.schedule-arn>", arn,
			"<aws.scheduler.scheduled-time>", stamp,
			"<aws.scheduler.execution-id>", awsname.NewRequestID()[:8]+awsname.NewRequestID()[:8],
			"<aws.scheduler.attempt-number>", "1",
		).Replace(sch.Input))
	case sch.Input != "":
		return []byte(sch.Input)
	}
	event, _ := json.Marshal(struct { // cannot fail: strings
		Version    string   `json:"version"`
		ID         string   `json:"id"`
		DetailType string   `json:"detail-type"`
		Source     string   `json:"source"`
		Account    string   `json:"account"`
		Time       string   `json:"time"`
		Region     string   `json:"region"`
		Resources  []string `json:"resources"`
		Detail     any      `json:"detail"`
	}{
		Version:    "0",
		ID:         awsname.NewRequestID(),
		DetailType: "Scheduled Event",
		Source:     sch.Source,
		Account:    s.opt.Account,
		Time:       stamp,
		Region:     s.opt.Region,
		Resources:  []string{arn},
		Detail:     detail,
	})
	return event
}

// trigger is a parsed expression.
type trigger interface {
	// next returns the first occurrence after a time. It returns false if there
	// is none.
	next(after time.Time) (time.Time, bool)
}

var expression = regexp.MustCompile(`^(rate|cron|at)\((.*)\)$`)

// parseSchedule parses an expression.
func parseSchedule(text, timezone string) (trigger, error) {
	location := time.UTC
	if timezone != "" {
		var err error
		if location, err = time.LoadLocation(timezone); err != nil {
			return nil, fmt.Errorf("time zone %q: %w", timezone, err)
		}
	}
	m := expression.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return nil, fmt.Errorf("expression %q is not rate(…), cron(…) or at(…)", text)
	}
	var t trigger
	var err error
	switch m[1] {
	case "rate":
		t, err = parseRate(m[2])
	case "cron":
		t, err = parseCron(m[2], location)
	default:
		var when time.Time
		when, err = time.ParseInLocation("2006-01-02T15:04:05", m[2], location)
		t = once(when)
	}
	if err != nil {
		return nil, fmt.Errorf("expression %q: %w", text, err)
	}
	return t, nil
}

// once is at(…).
type once time.Time

func (o once) next(after time.Time) (time.Time, bool) {
	return time.Time(o), time.Time(o).After(after)
}

// rate is rate(…).
type rate time.Duration

func (r rate) next(after time.Time) (time.Time, bool) { return after.Add(time.Duration(r)), true }

// parseRate parses "1 minute", "5 minutes" and the same with hours and days.
// The unit must be singular for 1 and plural otherwise, as for EventBridge.
func parseRate(text string) (rate, error) {
	number, unit, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is not a positive number", number)
	}
	units := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	single, plural := strings.CutSuffix(unit, "s")
	d, ok := units[single]
	if !ok {
		return 0, fmt.Errorf("unit %q is not minute, hour or day, or its plural", unit)
	}
	if plural != (n > 1) {
		return 0, fmt.Errorf("value %d and unit %q do not agree in number", n, unit)
	}
	return rate(time.Duration(n) * d), nil
}
