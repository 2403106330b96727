package build

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/plan"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

const (
	defaultKey     = "$default"
	requestRemedy  = `add RequestTemplates: {$default: '{"statusCode": 200}'}`
	responseRemedy = "add an AWS::ApiGatewayV2::IntegrationResponse with IntegrationResponseKey: $default and ResponseTemplates"
)

// mock adds a MOCK integration to a route. Its answer is decided here: the
// status does not depend on the message, because only request templates without
// references are accepted.
func (p *apiParts) mock(res *template.Resource, r *plan.Route) {
	request := p.selected(res, "RequestTemplates")
	if request == nil {
		return
	}
	status := p.mockStatus(request)
	if status == 0 {
		return
	}
	r.Mock = &plan.Mock{Origin: p.s.Origin(res), Status: status}
	if r.Key == "$connect" && status > 299 {
		p.s.Fail(request, "what API Gateway answers to $connect for the mock status "+strconv.Itoa(status)+
			" is not documented", "use 200, or a function")
		return
	}
	if !r.RouteResponse || r.Key == "$connect" || r.Key == "$disconnect" {
		return // nothing is sent
	}
	response := p.integrationResponse(res, status)
	if response == nil {
		return
	}
	if c := response.Properties.Get("ContentHandlingStrategy"); c.Scalar() == "CONVERT_TO_BINARY" {
		p.s.Fail(c, "binary messages are not sent locally", "remove it")
		return
	}
	if text := p.selected(response, "ResponseTemplates"); text != nil {
		r.Mock.Origin, r.Mock.Response = p.s.Origin(response), text.Text
	}
}

// selected returns the template that TemplateSelectionExpression selects among
// those of a property: the one with that key, or the one with $default
// (developer guide, "WebSocket selection expressions"). It returns nil after a
// mistake.
func (p *apiParts) selected(res *template.Resource, property string) *template.Value {
	missing, remedy := "RequestTemplates is missing, and API Gateway answers a mock without it with an error", requestRemedy
	if property == "ResponseTemplates" {
		missing = "ResponseTemplates is missing, and what API Gateway sends without it is not documented"
		remedy = "add ResponseTemplates: {$default: TEXT}"
	}
	key, expression := defaultKey, res.Properties.Get("TemplateSelectionExpression")
	if expression.Known() && expression.Text != "" {
		key = strings.TrimPrefix(expression.Text, `\`)
		if strings.ContainsAny(key, "{}") || key != defaultKey && strings.HasPrefix(key, "$") {
			p.s.Fail(expression, template.Quote(expression.Text)+" is not evaluated for a mock locally",
				`use a fixed key, such as \$default`)
			return nil
		}
	}
	templates := res.Properties.Get(property)
	if templates.Is(template.Unknown) {
		return nil
	}
	found := templates.Get(key)
	if found == nil {
		found = templates.Get(defaultKey)
	}
	switch {
	case templates == nil:
		p.s.Fail(res.At, missing, remedy)
	case found == nil:
		p.s.Fail(templates, "has no template with the key "+template.Quote(key), "rename one to $default")
	case found.Is(template.Unknown):
	case !found.IsScalar():
		p.s.FailKind(found, "write the template as a string")
	default:
		return found
	}
	return nil
}

// mockStatus returns the statusCode in a request template, or 0 after a
// mistake.
func (p *apiParts) mockStatus(request *template.Value) int {
	if strings.ContainsAny(request.Text, "$#") {
		p.s.Fail(request, "request templates of a mock are not evaluated locally",
			`write JSON without $ and #, such as '{"statusCode": 200}'`)
		return 0
	}
	var body struct {
		StatusCode json.Number `json:"statusCode"`
	}
	err := json.Unmarshal([]byte(request.Text), &body)
	status, _ := strconv.Atoi(body.StatusCode.String())
	if err != nil || status < 200 || status > 599 {
		p.s.Fail(request, "is not JSON with a statusCode of 200 to 599", `write '{"statusCode": 200}'`)
		return 0
	}
	return status
}

// integrationResponse returns the integration response of a mock for a status:
// the one whose key is a matching /expression/, or the one with the key
// $default (developer guide, "Set up a WebSocket API integration response"). It
// returns nil after a mistake.
func (p *apiParts) integrationResponse(res *template.Resource, status int) *template.Resource {
	var matching, otherwise *template.Resource
	text := strconv.Itoa(status)
	for _, response := range p.integrationResponses[res.Ref] {
		key := response.Properties.Get("IntegrationResponseKey")
		if !key.Known() {
			return nil
		}
		matches, err := matchesStatus(key.Text, text)
		switch {
		case err != nil:
			p.s.Fail(key, template.Quote(key.Text)+" is not a key of a mock's response: "+err.Error(),
				`use $default, or the status as a regular expression such as /2\d\d/`)
			return nil
		case key.Text == defaultKey:
			otherwise = response
		case matches && matching != nil:
			p.s.Fail(key, "matches the status "+text+" as "+p.s.LogicalID(matching)+" does, and which one is used is not documented",
				"keep one for each status")
			return nil
		case matches:
			matching = response
		}
	}
	if matching == nil {
		matching = otherwise
	}
	if matching == nil {
		p.s.Fail(res.At, "the mock has no integration response for the status "+text+", and its route is two-way",
			responseRemedy)
	}
	return matching
}

// matchesStatus reports whether an integration response key, which may be
// $default, matches a status.
func matchesStatus(key, status string) (bool, error) {
	pattern, isPattern := strings.CutPrefix(key, "/")
	if !isPattern {
		return key == status, nil
	}
	pattern = strings.TrimSuffix(pattern, "/")
	expression, err := regexp.Compile("^(?:" + pattern + ")$")
	if err != nil {
		return false, err
	}
	return expression.MatchString(status), nil
}
