package sam

import (
	"encoding/json"
	"strings"
	"time"
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
		text := l.checkExpression(expression, false)
		for _, target := range p.each("Targets") {
			s := Schedule{
				LogicalID:  res.id,
				Name:       res.name,
				Source:     "aws.events",
				Expression: text,
				Enabled:    p.strOr("State", "ENABLED") != "DISABLED",
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
		text := l.checkExpression(expression, true)
		zone := p.get("ScheduleExpressionTimezone")
		if zone.known() {
			if _, err := time.LoadLocation(zone.text); err != nil {
				l.fail(zone, quote(zone.text)+" is not a time zone", "use an IANA name such as Europe/Berlin")
			}
		}
		for _, name := range []string{"StartDate", "EndDate"} {
			if v := p.get(name); v != nil {
				l.note(v, res.id, res.typ, name+" is not applied locally")
			}
		}
		s := Schedule{
			LogicalID:  res.id,
			Name:       res.name,
			Source:     "aws.scheduler",
			Expression: text,
			Timezone:   zone.scalar(),
			Enabled:    p.strOr("State", "ENABLED") == "ENABLED",
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
