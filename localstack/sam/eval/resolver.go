package eval

import (
	"fmt"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Mode says how far a value is resolved.
type Mode uint8

const (
	// Literals resolves parameters, mappings and conditions, and refuses
	// references to resources. Conditions are evaluated in this mode.
	Literals Mode = iota
	// Early resolves the same but keeps references to resources. The result
	// has a fixed structure and shows all dependencies.
	Early
	// Full resolves everything. The resources that are referred to must be
	// resolved already.
	Full
)

// maxText bounds a resolved string, in bytes. The environment of a Lambda
// function has 4 KB, so only references that double at every step reach it.
const maxText = 1 << 18

// Resolver evaluates intrinsic functions.
type Resolver struct {
	*template.Report
	// Pseudo are the pseudo parameters with their prefix AWS::.
	Pseudo     map[string]string
	Parameters map[string]*template.Value
	// Mappings and Conditions are the sections of the template, or nil.
	Mappings, Conditions *template.Value
	// Resources are all resources by logical id, with those that SAM generates.
	Resources map[string]*template.Resource
	// Placeholders are shared by all templates of an app.
	Placeholders *Placeholders
	// StackPath has the logical ids of the nested stacks that lead to this
	// template, joined by /; empty for the outermost one.
	StackPath string
	// ParametersFrom says which resource of which template gives the values of
	// the parameters of a nested stack; empty for the outermost one.
	ParametersFrom string
	// LanguageExtensions is set if the template uses the transform
	// AWS::LanguageExtensions.
	LanguageExtensions bool

	decided map[string]*decision // results of conditions
	inRules bool                 // the functions of the Rules section are allowed
}

// New returns a resolver that knows the pseudo parameters only.
func New(r *template.Report, pseudo map[string]string) *Resolver {
	return &Resolver{
		Report:       r,
		Pseudo:       pseudo,
		Resources:    map[string]*template.Resource{},
		Placeholders: NewPlaceholders(),
		decided:      map[string]*decision{},
	}
}

// Eval resolves v. The result contains no calls unless the mode is [Early].
func (r *Resolver) Eval(v *template.Value, m Mode) *template.Value {
	switch v.Kind {
	case template.List:
		return r.evalList(v, m)
	case template.Object:
		return r.evalObject(v, m)
	case template.Call:
		return r.call(v, m)
	case template.Text:
		return r.evalText(v)
	}
	return v
}

func (r *Resolver) evalList(v *template.Value, m Mode) *template.Value {
	n := v.Derive(template.List)
	n.Items = make([]*template.Value, 0, len(v.Items))
	for _, item := range v.Items {
		if e := r.Eval(item, m); e.Kind != template.Absent {
			n.Items = append(n.Items, e)
		}
	}
	return n
}

func (r *Resolver) evalObject(v *template.Value, m Mode) *template.Value {
	n := v.Derive(template.Object)
	n.Fields = make([]template.Field, 0, len(v.Fields))
	for _, f := range v.Fields {
		if e := r.Eval(f.Value, m); e.Kind != template.Absent {
			f.Value = e
			n.Fields = append(n.Fields, f)
		}
	}
	return n
}

func (r *Resolver) evalText(v *template.Value) *template.Value {
	i := strings.Index(v.Text, "{{resolve:")
	if i < 0 {
		return v
	}
	ref, _, _ := strings.Cut(v.Text[i:], "}}")
	return r.Fail(v, "the dynamic reference "+template.Quote(ref+"}}")+" cannot be read locally",
		"use a parameter instead")
}

// functions are the intrinsic functions that get resolved arguments.
// lazyFunctions resolve their arguments themselves, as they do not need all of
// them.
var (
	functions     map[string]func(r *Resolver, v, arg *template.Value) *template.Value
	lazyFunctions map[string]func(r *Resolver, v, arg *template.Value, m Mode) *template.Value
)

// init and no initializer: the functions call each other through the tables.
func init() {
	functions = map[string]func(r *Resolver, v, arg *template.Value) *template.Value{
		"Fn::Base64":       encodeBase64,
		"Fn::Cidr":         cidr,
		"Fn::FindInMap":    (*Resolver).findInMap,
		"Fn::GetAZs":       (*Resolver).zones,
		"Fn::Join":         joinText,
		"Fn::Length":       length,
		"Fn::Select":       (*Resolver).choose,
		"Fn::Split":        splitText,
		"Fn::ToJsonString": toJSON,
	}
	lazyFunctions = map[string]func(r *Resolver, v, arg *template.Value, m Mode) *template.Value{
		"Ref":        (*Resolver).ref,
		"Fn::GetAtt": (*Resolver).getAtt,
		"Fn::Sub":    (*Resolver).sub,
		"Fn::If":     (*Resolver).ifElse,
	}
}

// refusals are the problem, without the name of the function, and the remedy
// of the functions that give no value here.
var refusals = map[string][2]string{
	"Condition":            notAValue,
	"Fn::And":              notAValue,
	"Fn::Or":               notAValue,
	"Fn::Not":              notAValue,
	"Fn::Equals":           notAValue,
	"Fn::ImportValue":      {"cannot be resolved locally", "use a parameter instead"},
	"Fn::ForEach":          {"needs the name of a loop", "write Fn::ForEach::Name as a key"},
	"Fn::Contains":         forRules,
	"Fn::EachMemberEquals": forRules,
	"Fn::EachMemberIn":     forRules,
	"Fn::RefAll":           forRules,
	"Fn::ValueOf":          forRules,
	"Fn::ValueOfAll":       forRules,
}

var (
	notAValue = [2]string{"gives a condition, not a value", "name it under Conditions and use Fn::If here"}
	forRules  = [2]string{"is for the Rules section", "use a condition here"}
)

func (r *Resolver) call(v *template.Value, m Mode) *template.Value {
	arg := v.Items[0]
	if f := lazyFunctions[v.Text]; f != nil {
		return f(r, v, arg, m)
	}
	if refusal, ok := refusals[v.Text]; ok {
		return r.Fail(v, v.Text+" "+refusal[0], refusal[1])
	}
	if v.Text == "Fn::Transform" {
		return r.Fail(v, "only the macro AWS::Include is run locally", "write out the result of the macro")
	}
	if (v.Text == "Fn::Length" || v.Text == "Fn::ToJsonString") && !r.LanguageExtensions {
		return r.Fail(v, v.Text+" needs AWS::LanguageExtensions",
			"add it to Transform, before AWS::Serverless-2016-10-31")
	}
	arg = r.Eval(arg, m)
	switch {
	case m == Early && arg.HasCall():
		return v.NewCall(v.Text, arg)
	case arg.HasUnknown():
		return v.Derive(template.Unknown)
	}
	return functions[v.Text](r, v, arg)
}

// text returns a string result, or a mistake if it is too long.
func (r *Resolver) text(v *template.Value, s string) *template.Value {
	if len(s) > maxText {
		return r.failLong(v)
	}
	return v.NewText(s)
}

func (r *Resolver) failLong(v *template.Value) *template.Value {
	return r.Fail(v, fmt.Sprintf("the result is longer than %d bytes", maxText), "shorten it")
}
