package sam

import (
	"encoding/json"
	"regexp"
	"strings"
)

// schedules reads rules and schedules whose target is a function.
func (l *loader) schedules() {
	for _, res := range l.live("AWS::Events::Rule") {
		p := res.props
		expression := p.get("ScheduleExpression")
		if expression == nil {
			l.note(res.at, res.id, res.typ, "event patterns are not matched locally; schedules are run")
			continue
		}
		l.checkExpression(expression, false)
		for _, target := range p.each("Targets") {
			s := Schedule{
				LogicalID: res.id, Name: res.name, Source: "aws.events", Expression: expression.scalar(),
				Enabled: p.strOr("State", "ENABLED") != "DISABLED",
			}
			if l.aim(res, &s, target) {
				f := l.plan.Function(s.FunctionARN)
				s.Permitted = f.Allows("events.amazonaws.com", res.attrs["Arn"], l.plan.Account)
				if target.has("InputTransformer") || target.has("InputPath") {
					l.note(target, res.id, res.typ, "InputTransformer and InputPath are not applied locally")
				}
				l.plan.Schedules = append(l.plan.Schedules, s)
			}
		}
	}
	for _, res := range l.live("AWS::Scheduler::Schedule") {
		p := res.props
		expression := p.get("ScheduleExpression")
		if !expression.known() {
			continue
		}
		l.checkExpression(expression, true)
		s := Schedule{
			LogicalID: res.id, Name: res.name, Source: "aws.scheduler", Expression: expression.text,
			Timezone: p.str("ScheduleExpressionTimezone"), Enabled: p.strOr("State", "ENABLED") == "ENABLED",
		}
		if target := p.get("Target"); l.aim(res, &s, target) {
			s.Permitted = target.str("RoleArn") != ""
			l.plan.Schedules = append(l.plan.Schedules, s)
		}
	}
}

// aim fills in the target. It is false if the target is not a function, which
// is noted.
func (l *loader) aim(res *resource, s *Schedule, target *value) bool {
	arn := target.get("Arn")
	if !arn.known() {
		return false
	}
	if !strings.Contains(arn.text, ":lambda:") {
		l.note(arn, res.id, res.typ, "only functions are invoked locally, not "+quote(arn.text))
		return false
	}
	f := l.targetFunction(arn)
	if f == nil {
		return false
	}
	s.FunctionLogicalID, s.FunctionARN = f.LogicalID, arn.text
	if in := target.get("Input"); in.known() {
		if !json.Valid([]byte(in.text)) {
			l.fail(in, "is not JSON", `write JSON in quotes, such as '{"key": "value"}'`)
		}
		s.Input = []byte(in.text)
	}
	return true
}

var (
	rateExpression = regexp.MustCompile(`^rate\((\d{1,9}) (minute|hour|day)(s?)\)$`)
	cronExpression = regexp.MustCompile(`^cron\(\S+ \S+ \S+ \S+ \S+ \S+\)$`)
	atExpression   = regexp.MustCompile(`^at\(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\)$`)
)

// checkExpression checks the form of a schedule (EventBridge user guide, rate
// and cron expressions). Only the Scheduler takes at(…) and "1 minutes".
func (l *loader) checkExpression(v *value, scheduler bool) {
	if !v.known() {
		return
	}
	if m := rateExpression.FindStringSubmatch(v.text); m != nil {
		switch single := m[1] == "1"; {
		case strings.Trim(m[1], "0") == "":
			l.fail(v, "a rate of zero", "use a rate of at least 1")
		case single == (m[3] == "s") && !scheduler:
			plural := map[bool]string{true: "", false: "s"}[single]
			l.fail(v, "the unit does not agree with the number", "write rate("+m[1]+" "+m[2]+plural+")")
		}
		return
	}
	if cronExpression.MatchString(v.text) || scheduler && atExpression.MatchString(v.text) {
		return
	}
	usage := "write rate(5 minutes) or cron(0 3 * * ? *)"
	if scheduler {
		usage = "write rate(5 minutes), cron(0 3 * * ? *) or at(2027-01-31T03:00:00)"
	}
	l.fail(v, quote(v.text)+" is not a schedule", usage)
}
