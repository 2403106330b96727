package sam

import (
	"fmt"
	"strings"
)

// mode says how far a value is resolved.
type mode uint8

const (
	// literals resolves parameters, mappings and conditions, and refuses
	// references to resources: for Conditions.
	literals mode = iota
	// early does the same but leaves references to resources as they are, so
	// that what remains has a fixed structure and shows all dependencies.
	early
	// full resolves everything. The resources referred to must be resolved.
	full
)

// maxText bounds a resolved string. A Lambda function's environment holds
// 4 KB, so only references that double at every step come near it.
const maxText = 1 << 18

// resolver evaluates intrinsic functions.
type resolver struct {
	*diagnostics
	pseudo     map[string]string
	params     map[string]*value
	mappings   *value
	conditions *value
	decided    map[string]*decision // results of conditions
	resources  map[string]*resource // every logical id, SAM's generated ones included
	languageX  bool                 // AWS::LanguageExtensions
	inRules    bool                 // the functions of the Rules section are allowed
}

// eval resolves v. The result holds no calls unless the mode is early.
func (r *resolver) eval(v *value, m mode) *value {
	switch v.kind {
	case list:
		n := v.derive(list)
		n.items = make([]*value, 0, len(v.items))
		for _, item := range v.items {
			if e := r.eval(item, m); e.kind != absent {
				n.items = append(n.items, e)
			}
		}
		return n
	case object:
		n := v.derive(object)
		n.fields = make([]field, 0, len(v.fields))
		for _, f := range v.fields {
			if e := r.eval(f.value, m); e.kind != absent {
				f.value = e
				n.fields = append(n.fields, f)
			}
		}
		return n
	case call:
		return r.call(v, m)
	case text:
		if i := strings.Index(v.text, "{{resolve:"); i >= 0 {
			ref, _, _ := strings.Cut(v.text[i:], "}}")
			return r.fail(v, "the dynamic reference "+quote(ref+"}}")+" cannot be read locally",
				"use a parameter instead")
		}
	}
	return v
}

func (r *resolver) call(v *value, m mode) *value {
	arg := v.items[0]
	switch v.text {
	case "Ref":
		return r.ref(v, arg, m)
	case "Fn::GetAtt":
		return r.getAtt(v, arg, m)
	case "Fn::Sub":
		return r.sub(v, arg, m)
	case "Fn::If":
		return r.ifElse(v, arg, m)
	case "Condition", "Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals":
		return r.fail(v, v.text+" gives a condition, not a value", "name it under Conditions and use Fn::If here")
	case "Fn::ImportValue":
		return r.fail(v, v.text+" cannot be resolved locally", "use a parameter instead")
	case "Fn::ForEach":
		return r.fail(v, v.text+" needs the name of a loop", "write Fn::ForEach::Name as a key")
	case "Fn::Transform":
		return r.fail(v, "only the macro AWS::Include is run locally", "write out what the macro gives")
	case "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn", "Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll":
		return r.fail(v, v.text+" is for the Rules section", "use a condition here")
	case "Fn::Length", "Fn::ToJsonString":
		if !r.languageX {
			return r.fail(v, v.text+" needs AWS::LanguageExtensions",
				"add it to Transform, before AWS::Serverless-2016-10-31")
		}
	}
	arg = r.eval(arg, m)
	if m == early && arg.hasCall() {
		return v.newCall(v.text, arg)
	}
	if arg.kind == unknown || arg.kind == list && anyUnknown(arg.items) {
		return v.derive(unknown)
	}
	switch v.text {
	case "Fn::Join":
		return r.join(v, arg)
	case "Fn::Select":
		return r.choose(v, arg)
	case "Fn::Split":
		return r.split(v, arg)
	case "Fn::FindInMap":
		return r.findInMap(v, arg)
	case "Fn::Base64":
		return r.base64(v, arg)
	case "Fn::GetAZs":
		return r.zones(v, arg)
	case "Fn::Cidr":
		return r.cidr(v, arg)
	case "Fn::Length":
		if arg.kind != list {
			return r.fail(v, "Fn::Length of "+arg.kind.String(), "give it a list")
		}
		n := v.newText(fmt.Sprint(len(arg.items)))
		n.kind = number
		return n
	default: // Fn::ToJsonString
		return r.text(v, string(arg.json()))
	}
}

func anyUnknown(values []*value) bool {
	for _, v := range values {
		if v.kind == unknown || v.kind == list && anyUnknown(v.items) {
			return true
		}
	}
	return false
}

// text is a string result, bounded.
func (r *resolver) text(v *value, s string) *value {
	if len(s) > maxText {
		return r.fail(v, fmt.Sprintf("the result is longer than %d bytes", maxText), "shorten it")
	}
	return v.newText(s)
}

func (r *resolver) ifElse(v, arg *value, m mode) *value {
	if arg.kind != list || len(arg.items) != 3 || !arg.items[0].isScalar() {
		return r.fail(v, "Fn::If takes a condition's name and two values",
			"write !If [Condition, ValueIfTrue, ValueIfFalse]")
	}
	yes, ok := r.condition(arg.items[0], arg.items[0].text)
	switch {
	case !ok:
		return v.derive(unknown)
	case yes:
		return r.eval(arg.items[1], m)
	default:
		return r.eval(arg.items[2], m)
	}
}

// ref resolves Ref, including SAM's Function.Alias and Function.Version.
func (r *resolver) ref(v, arg *value, m mode) *value {
	if !arg.isScalar() {
		return r.fail(v, "Ref takes a name", "write !Ref Name")
	}
	return r.lookup(v, arg.text, "", m)
}

func (r *resolver) getAtt(v, arg *value, m mode) *value {
	name, attr, ok := r.attParts(arg, m)
	if !ok {
		return r.fail(v, "Fn::GetAtt takes a resource and an attribute", "write !GetAtt Resource.Attribute")
	}
	return r.lookup(v, name, attr, m)
}

// attParts splits the argument of GetAtt, which is "A.B", [A, B] or
// [A, a parameter's value].
func (r *resolver) attParts(arg *value, m mode) (name, attr string, ok bool) {
	if arg.kind == list && len(arg.items) == 2 && arg.items[0].isScalar() {
		second := arg.items[1]
		if second.kind == call {
			second = r.eval(second, min(m, early))
		}
		return arg.items[0].text, second.text, second.isScalar() && second.text != ""
	}
	if !arg.isScalar() {
		return "", "", false
	}
	name, attr, ok = strings.Cut(arg.text, ".")
	return name, attr, ok && attr != ""
}

// lookup resolves a name: a pseudo parameter, a parameter or a resource. An
// attr makes it an attribute of a resource.
func (r *resolver) lookup(v *value, name, attr string, m mode) *value {
	if attr == "" {
		if name == "AWS::NoValue" {
			return v.derive(absent)
		}
		if name == "AWS::NotificationARNs" {
			return v.newList()
		}
		if s, ok := r.pseudo[name]; ok {
			return v.newText(s)
		}
		if p, ok := r.params[name]; ok {
			return p.moved(v)
		}
	}
	res := r.resource(name)
	if _, isParameter := r.params[name]; res == nil && m == early && !isParameter && !strings.HasPrefix(name, "AWS::") {
		return v // SAM may generate it yet; checkNames reports it otherwise
	}
	if res == nil {
		return r.noSuch(v, name, attr, m)
	}
	switch m {
	case literals:
		return r.fail(v, "a condition refers to the resource "+name, "refer to parameters and mappings only")
	case early:
		return v
	}
	if res.off {
		return r.fail(v, fmt.Sprintf("refers to %s, which is not created because its condition %s is false",
			name, res.condition),
			"guard the reference with Fn::If")
	}
	if res.broken {
		return v.derive(unknown)
	}
	if attr == "" {
		return r.text(v, res.ref)
	}
	if part, rest, dotted := strings.Cut(attr, "."); dotted && res.parts[part] != "" {
		return r.lookup(v, res.parts[part], rest, m)
	}
	if attr == "StreamArn" && res.typ == "AWS::DynamoDB::Table" && !res.props.has("StreamSpecification") {
		return r.fail(v, "the table "+name+" has no stream", "add a StreamSpecification to it")
	}
	s, ok := res.attribute(attr)
	if !ok {
		return r.fail(v, res.typ+" has no attribute "+attr,
			suggest(attr, sortedKeys(res.attrs), "", "its attributes are "+strings.Join(sortedKeys(res.attrs), ", ")))
	}
	return r.text(v, s)
}

// resource finds a resource by logical id. SAM lets a function's alias and
// version be named Function.Alias and Function.Version.
func (r *resolver) resource(name string) *resource {
	if res := r.resources[name]; res != nil {
		return res
	}
	base, part, ok := strings.Cut(name, ".")
	if res := r.resources[base]; ok && res != nil && res.parts[part] != "" {
		return r.resources[res.parts[part]]
	}
	return nil
}

func (r *resolver) noSuch(v *value, name, attr string, m mode) *value {
	if _, ok := r.params[name]; ok || strings.HasPrefix(name, "AWS::") && attr != "" {
		return r.fail(v, name+" is a parameter and has no attribute "+attr, "use !Ref "+name)
	}
	known := sortedKeys(r.params)
	what := "parameter"
	if m != literals {
		known = append(known, sortedKeys(r.resources)...)
		what = "resource or parameter"
	}
	if strings.HasPrefix(name, "AWS::") {
		known, what = append(sortedKeys(r.pseudo), "AWS::NoValue"), "pseudo parameter"
	}
	return r.fail(v, fmt.Sprintf("there is no %s %s", what, name), suggest(name, known, "", "correct the name"))
}
