package sam

import "strings"

// accessShapes are the resources by which clients reach an API: custom
// domains, API keys and the usage plans that admit keys to a stage.
var accessShapes = map[string]*shape{
	"AWS::ApiGatewayV2::DomainName": objectOf(props{
		"DomainName": must(str), "DomainNameConfigurations": anything, "MutualTlsAuthentication": anything,
		"RoutingMode": str, "Tags": strMap,
	}),
	"AWS::ApiGatewayV2::ApiMapping": objectOf(props{
		"ApiId": must(str), "ApiMappingKey": str, "DomainName": must(str), "Stage": must(str),
	}),
	"AWS::ApiGateway::ApiKey": objectOf(props{
		"CustomerId": str, "Description": str, "Enabled": toggle, "GenerateDistinctId": toggle,
		"Name": str, "StageKeys": anything, "Tags": tagList,
		"Value": str,
	}),
	"AWS::ApiGateway::UsagePlan": objectOf(props{
		"ApiStages":   listOf(objectOf(props{"ApiId": str, "Stage": str, "Throttle": anything})),
		"Description": str, "Quota": anything,
		"Tags": tagList, "Throttle": anything, "UsagePlanName": str,
	}),
	"AWS::ApiGateway::UsagePlanKey": objectOf(props{"KeyId": must(str), "KeyType": must(words("API_KEY")),
		"UsagePlanId": must(str)}),
}

func init() {
	for typ, s := range accessShapes {
		supported[typ] = s
	}
}

// stage finds the plan's entry for a stage of an API.
func (l *loader) stage(api, stage string) *WebSocketAPI {
	for i := range l.plan.APIs {
		if a := &l.plan.APIs[i]; a.ID == api && a.Stage == stage {
			return a
		}
	}
	return nil
}

// domains gives every stage the custom domain names that are mapped to it.
func (l *loader) domains() {
	owner := map[Domain]string{}
	for _, res := range l.live("AWS::ApiGatewayV2::ApiMapping") {
		p := res.props
		name, api, stage := p.get("DomainName"), p.get("ApiId"), p.get("Stage")
		if !name.known() || !api.known() || !stage.known() {
			continue
		}
		a := l.stage(api.text, stage.text)
		if a == nil {
			// An API of another kind is noted, and one that does not exist
			// reported.
			if l.isWebSocketAPI(api.text) {
				l.fail(stage, "the API has no stage "+quote(stage.text), "refer to one with !Ref Stage")
			}
			continue
		}
		d := Domain{Name: strings.ToLower(name.text), BasePath: strings.Trim(p.str("ApiMappingKey"), "/")}
		if other, ok := owner[d]; ok {
			l.fail(name, "the domain and path are also those of "+other, "give each mapping its own ApiMappingKey")
			continue
		}
		owner[d] = res.id
		a.Domains = append(a.Domains, d)
	}
}

func (l *loader) isWebSocketAPI(id string) bool {
	for _, a := range l.plan.APIs {
		if a.ID == id {
			return true
		}
	}
	return false
}

// apiKeys gives every stage the keys that usage plans admit to it (API Gateway
// developer guide, "Usage plans and API keys").
func (l *loader) apiKeys() {
	plans := map[string][]*WebSocketAPI{} // by the usage plan's id
	for _, res := range l.live("AWS::ApiGateway::UsagePlan") {
		for _, s := range res.props.each("ApiStages") {
			if a := l.stage(s.str("ApiId"), s.str("Stage")); a != nil {
				plans[res.ref] = append(plans[res.ref], a)
			}
		}
		for _, name := range []string{"Quota", "Throttle"} {
			if v := res.props.get(name); v != nil {
				l.note(v, res.id, res.typ, name+" of a usage plan is not applied locally")
			}
		}
	}
	admits := map[string][]*WebSocketAPI{} // by the key's id
	for _, res := range l.live("AWS::ApiGateway::UsagePlanKey") {
		id := res.props.str("KeyId")
		admits[id] = append(admits[id], plans[res.props.str("UsagePlanId")]...)
	}
	for _, res := range l.live("AWS::ApiGateway::ApiKey") {
		value := res.props.get("Value")
		k := APIKey{
			LogicalID: res.id,
			ID:        res.ref,
			Name:      res.props.strOr("Name", physicalName(128, l.plan.StackName, res.id)),
			Value:     value.scalar(),
			Enabled:   res.props.boolOr("Enabled", false), // CreateApiKey's default
		}
		switch {
		case value == nil:
			k.Value = shortID(32, "apikey", l.plan.StackName, res.id)
		case value.known() && (len(value.text) < 20 || len(value.text) > 128):
			l.fail(value, "the value of an API key has 20 to 128 characters",
				"give another value, or remove it to have one made")
		}
		if len(admits[res.ref]) == 0 {
			l.note(l.written(res), res.id, res.typ, "no usage plan admits the key to a WebSocket stage")
		}
		for _, a := range admits[res.ref] {
			a.APIKeys = append(a.APIKeys, k)
		}
	}
}
