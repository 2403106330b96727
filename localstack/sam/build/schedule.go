package build

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/sam/check"
	"github.com/sotto-chat/sotto/localstack/sam/plan"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Rules builds AWS::Events::Rule: one schedule for each target that is a
// function.
func Rules(s *resource.Set) {
	for _, res := range s.Active("AWS::Events::Rule") {
		expression := res.Properties.Get("ScheduleExpression")
		if expression == nil {
			s.Note(res.At, s.LogicalID(res), res.Type, "event patterns are not matched locally; schedules are run")
			continue
		}
		text := check.Expression(s.Report, expression, false)
		for _, target := range res.Properties.Each("Targets") {
			ruleTarget(s, res, target, text)
		}
	}
}

// ruleTarget adds the schedule of one target to the plan.
func ruleTarget(s *resource.Set, res *template.Resource, target *template.Value, expression string) {
	sch := plan.Schedule{
		LogicalID:  s.LogicalID(res),
		Name:       res.Name,
		Source:     "aws.events",
		Expression: expression,
		Enabled:    res.Properties.StrOr("State", "ENABLED") != "DISABLED",
	}
	f := aim(s, res, &sch, target)
	if f == nil {
		return
	}
	sch.Permitted = f.Allows("events.amazonaws.com", res.Attributes["Arn"], s.Plan.Account)
	if target.Has("InputTransformer") || target.Has("InputPath") {
		s.Note(target, s.LogicalID(res), res.Type, "InputTransformer and InputPath are not applied locally")
	}
	s.Plan.Schedules = append(s.Plan.Schedules, sch)
}

// Schedules builds AWS::Scheduler::Schedule if the target is a function.
func Schedules(s *resource.Set) {
	for _, res := range s.Active("AWS::Scheduler::Schedule") {
		p := res.Properties
		if !p.Get("ScheduleExpression").Known() {
			continue
		}
		sch := plan.Schedule{
			LogicalID:  s.LogicalID(res),
			Name:       res.Name,
			Source:     "aws.scheduler",
			Expression: check.Expression(s.Report, p.Get("ScheduleExpression"), true),
			Timezone:   p.Str("ScheduleExpressionTimezone"),
			Enabled:    p.StrOr("State", "ENABLED") == "ENABLED",
		}
		checkTimes(s, res)
		target := p.Get("Target")
		if aim(s, res, &sch, target) != nil {
			sch.Permitted = target.Str("RoleArn") != ""
			s.Plan.Schedules = append(s.Plan.Schedules, sch)
		}
	}
}

// checkTimes checks the time zone and notes the dates of a schedule.
func checkTimes(s *resource.Set, res *template.Resource) {
	if zone := res.Properties.Get("ScheduleExpressionTimezone"); zone.Known() {
		if _, err := time.LoadLocation(zone.Text); err != nil {
			s.Fail(zone, template.Quote(zone.Text)+" is not a time zone", "use an IANA name such as Europe/Berlin")
		}
	}
	for _, name := range []string{"StartDate", "EndDate"} {
		if v := res.Properties.Get(name); v != nil {
			s.Note(v, s.LogicalID(res), res.Type, name+" is not applied locally")
		}
	}
}

// aim fills in the target of a schedule and returns its function. A target that
// is not a function is noted; the result is nil then and after a mistake.
func aim(s *resource.Set, res *template.Resource, sch *plan.Schedule, target *template.Value) *plan.Function {
	arn := target.Get("Arn")
	if !arn.Known() {
		return nil
	}
	if !strings.Contains(arn.Text, ":lambda:") {
		s.Note(arn, s.LogicalID(res), res.Type, "only functions are invoked locally, not "+template.Quote(arn.Text))
		return nil
	}
	f := s.TargetFunction(arn)
	if f == nil {
		return nil
	}
	sch.FunctionLogicalID, sch.FunctionARN = f.LogicalID, arn.Text
	if in := target.Get("Input"); in.Known() {
		if !json.Valid([]byte(in.Text)) {
			s.Fail(in, "is not JSON", `write JSON in quotes, such as '{"key": "value"}'`)
		}
		sch.Input = []byte(in.Text)
	}
	return f
}
