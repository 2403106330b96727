package build

import (
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/plan"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// stage returns the plan's entry for a stage of an API, or nil.
func stage(s *resource.Set, api, stage string) *plan.WebSocketAPI {
	for i := range s.Plan.APIs {
		if a := &s.Plan.APIs[i]; a.ID == api && a.Stage == stage {
			return a
		}
	}
	return nil
}

// Domains builds AWS::ApiGatewayV2::ApiMapping: it adds the custom domain names
// to the stages that they are mapped to.
func Domains(s *resource.Set) {
	owner := map[plan.Domain]string{}
	for _, res := range s.Active("AWS::ApiGatewayV2::ApiMapping") {
		p := res.Properties
		name, api, stageName := p.Get("DomainName"), p.Get("ApiId"), p.Get("Stage")
		if !name.Known() || !api.Known() || !stageName.Known() {
			continue
		}
		a := stage(s, api.Text, stageName.Text)
		if a == nil {
			failNoStage(s, api, stageName)
			continue
		}
		d := plan.Domain{Name: strings.ToLower(name.Text), BasePath: strings.Trim(p.Str("ApiMappingKey"), "/")}
		if other, ok := owner[d]; ok {
			s.Fail(name, "the domain and path are already used by "+other, "give each mapping its own ApiMappingKey")
			continue
		}
		owner[d] = res.ID
		a.Domains = append(a.Domains, d)
	}
}

// failNoStage reports that a WebSocket API lacks a stage. An API of another
// kind has a note, and a missing API is reported where it is referred to.
func failNoStage(s *resource.Set, api, stage *template.Value) {
	for _, a := range s.Plan.APIs {
		if a.ID == api.Text {
			s.Fail(stage, "the API has no stage "+template.Quote(stage.Text), "refer to one with !Ref Stage")
			return
		}
	}
}

// APIKeys builds AWS::ApiGateway::ApiKey: it adds each key to the stages of its
// usage plans (API Gateway Developer Guide, "Usage plans and API keys").
func APIKeys(s *resource.Set) {
	plans := usagePlans(s)
	stages := map[string][]*plan.WebSocketAPI{} // by the id of the key
	for _, res := range s.Active("AWS::ApiGateway::UsagePlanKey") {
		id := res.Properties.Str("KeyId")
		stages[id] = append(stages[id], plans[res.Properties.Str("UsagePlanId")]...)
	}
	for _, res := range s.Active("AWS::ApiGateway::ApiKey") {
		k := apiKey(s, res)
		if len(stages[res.Ref]) == 0 {
			s.NoteResource(res, "no usage plan admits the key to a WebSocket stage")
		}
		for _, a := range stages[res.Ref] {
			a.APIKeys = append(a.APIKeys, k)
		}
	}
}

// usagePlans returns the stages of each usage plan, by the id of the plan.
func usagePlans(s *resource.Set) map[string][]*plan.WebSocketAPI {
	plans := map[string][]*plan.WebSocketAPI{}
	for _, res := range s.Active("AWS::ApiGateway::UsagePlan") {
		for _, v := range res.Properties.Each("ApiStages") {
			if a := stage(s, v.Str("ApiId"), v.Str("Stage")); a != nil {
				plans[res.Ref] = append(plans[res.Ref], a)
			}
		}
		for _, name := range []string{"Quota", "Throttle"} {
			if v := res.Properties.Get(name); v != nil {
				s.Note(v, s.LogicalID(res), res.Type, name+" of a usage plan is not applied locally")
			}
		}
	}
	return plans
}

func apiKey(s *resource.Set, res *template.Resource) plan.APIKey {
	value := res.Properties.Get("Value")
	k := plan.APIKey{
		LogicalID: s.LogicalID(res),
		ID:        res.Ref,
		Name:      res.Properties.StrOr("Name", s.PhysicalName(res, 128)),
		Value:     value.Scalar(),
		Enabled:   res.Properties.BoolOr("Enabled", false), // CreateApiKey's default
	}
	switch {
	case value == nil:
		k.Value = s.ShortID(res, 32, "apikey")
	case value.Known() && (len(value.Text) < 20 || len(value.Text) > 128):
		s.Fail(value, "the value of an API key has 20 to 128 characters",
			"give another value, or remove it to have one made")
	}
	return k
}
