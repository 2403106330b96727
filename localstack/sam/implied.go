package sam

import "strings"

// madeBySAM are the types that SAM expands to resources which a template may
// refer to and which are not run here, such as ApiProdStage or Api.Stage.
var madeBySAM = []string{"AWS::Serverless::Api", "AWS::Serverless::HttpApi",
	"AWS::Serverless::StateMachine", "AWS::Serverless::GraphQLApi",
	"AWS::Serverless::LayerVersion", "AWS::Serverless::Application"}

// implied adds the resources that SAM would make out of those that are passed
// over, where the template refers to them. Their names begin with the name of
// what they come from; a REST API's keys and plans may also be shared.
func (l *loader) implied(written []*resource) {
	sources := map[string]*resource{}
	for _, res := range written {
		for _, typ := range madeBySAM {
			if res.typ == typ {
				sources[res.id] = res
			}
		}
	}
	for _, id := range []string{"ServerlessRestApi", "ServerlessHttpApi"} { // of events that name no API
		if res := l.resources[id]; res != nil {
			sources[id] = res
		}
	}
	if len(sources) == 0 {
		return
	}
	for _, section := range []string{"Resources", "Outputs", "Globals"} {
		if v := l.root.get(section); v != nil {
			references(v, func(_ *value, name, _ string) { l.imply(sources, name) })
		}
	}
	for _, res := range written {
		for _, d := range res.dependsOn {
			l.imply(sources, d.text)
		}
	}
}

func (l *loader) imply(sources map[string]*resource, name string) {
	if l.resource(name) != nil || l.params[name] != nil || strings.HasPrefix(name, "AWS::") {
		return
	}
	var from *resource
	for id, res := range sources {
		if strings.HasPrefix(name, id) && (from == nil || len(id) > len(from.id)) {
			from = res
		}
	}
	if from == nil {
		return
	}
	part := name[len(from.id):]
	if dotted := strings.HasPrefix(part, "."); !dotted &&
		(strings.Contains(part, ".") || part[0] < 'A' || part[0] > 'Z') {
		return // an attribute of another resource, or a word that goes on
	}
	made := &resource{
		id:        name,
		typ:       "AWS::Serverless::Generated",
		at:        from.at,
		props:     from.at.newObject(),
		condition: from.condition,
		off:       from.off,
		noted:     true,
		generated: true,
	}
	if stage := from.props.get("StageName"); part == ".Stage" && stage != nil {
		made.props = from.at.newObject(with("Name", stage))
	}
	l.resources[name] = made
	l.order = append(l.order, made)
}
