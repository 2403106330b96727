package eval

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// The functions in this file get arguments that are resolved and known.

func joinText(r *Resolver, v, arg *template.Value) *template.Value {
	if !arg.IsListOf(2, 2) || !arg.Items[0].IsScalar() || arg.Items[1].Kind != template.List {
		return r.Fail(v, "Fn::Join takes a delimiter and a list", `write !Join [",", [a, b]]`)
	}
	delimiter := arg.Items[0].Text
	var parts []string
	size := 0
	for _, item := range arg.Items[1].Items {
		if !item.IsScalar() {
			return r.Fail(v, "Fn::Join joins strings, and one element is "+item.Kind.String(), "give it strings only")
		}
		if size += len(item.Text) + len(delimiter); size > maxText {
			return r.failLong(v)
		}
		parts = append(parts, item.Text)
	}
	return v.NewText(strings.Join(parts, delimiter))
}

// choose resolves Fn::Select.
func (r *Resolver) choose(v, arg *template.Value) *template.Value {
	const usage = "write !Select [0, List]"
	if !arg.IsListOf(2, 2) || arg.Items[1].Kind != template.List {
		return r.Fail(v, "Fn::Select takes an index and a list", usage)
	}
	i, ok := arg.Items[0].Int()
	if !ok {
		return r.Fail(v, "Fn::Select takes a number as its index", usage)
	}
	items := arg.Items[1].Items
	_, placeheld, _ := r.Placeholders.In(strings.Join(arg.Items[1].Texts(), " "))
	switch {
	case i >= len(items) && placeheld != "":
		return v.NewText(placeheld)
	case i < 0 || i >= len(items):
		return r.Fail(v, fmt.Sprintf("index %d of a list of %d", i, len(items)), "count from 0")
	}
	return items[i].MovedTo(v)
}

func splitText(r *Resolver, v, arg *template.Value) *template.Value {
	if !arg.IsListOf(2, 2) || arg.Items[0].Scalar() == "" || !arg.Items[1].IsScalar() {
		return r.Fail(v, "Fn::Split takes a delimiter and a string", `write !Split [",", String]`)
	}
	return v.NewTexts(strings.Split(arg.Items[1].Text, arg.Items[0].Text)...)
}

func encodeBase64(r *Resolver, v, arg *template.Value) *template.Value {
	if !arg.IsScalar() {
		return r.Fail(v, "Fn::Base64 of "+arg.Kind.String(), "give it a string")
	}
	if _, own, ok := r.Placeholders.In(arg.Text); ok {
		return v.NewText(own) // encoded, it could not be recognized
	}
	return r.text(v, base64.StdEncoding.EncodeToString([]byte(arg.Text)))
}

// zones resolves Fn::GetAZs to three availability zones, the least that large
// regions have.
func (r *Resolver) zones(v, arg *template.Value) *template.Value {
	if !arg.IsScalar() && arg.Kind != template.Null {
		return r.Fail(v, "Fn::GetAZs of "+arg.Kind.String(), "give it a region or an empty string")
	}
	region := arg.Text
	if region == "" {
		region = r.Pseudo["AWS::Region"]
	}
	return v.NewTexts(region+"a", region+"b", region+"c")
}

func length(r *Resolver, v, arg *template.Value) *template.Value {
	if arg.Kind != template.List {
		return r.Fail(v, "Fn::Length of "+arg.Kind.String(), "give it a list")
	}
	n := v.NewText(fmt.Sprint(len(arg.Items)))
	n.Kind = template.Number
	return n
}

func toJSON(r *Resolver, v, arg *template.Value) *template.Value {
	return r.text(v, string(arg.JSON()))
}

func (r *Resolver) findInMap(v, arg *template.Value) *template.Value {
	const usage = "write !FindInMap [Map, TopKey, SecondKey]"
	if !arg.IsListOf(3, 4) {
		return r.Fail(v, "Fn::FindInMap takes a map and two keys", usage)
	}
	var fallback *template.Value
	if len(arg.Items) == 4 {
		if fallback = arg.Items[3].Get("DefaultValue"); fallback == nil || !r.LanguageExtensions {
			return r.Fail(v, "the default value of Fn::FindInMap needs AWS::LanguageExtensions", usage)
		}
	}
	at, path := r.Mappings, "Mappings"
	for _, key := range arg.Items[:3] {
		next := at.Get(key.Scalar())
		switch {
		case !key.IsScalar():
			return r.Fail(v, "Fn::FindInMap takes three strings", usage)
		case next == nil && fallback != nil:
			return fallback.MovedTo(v)
		case next == nil:
			return r.Fail(v, path+" has no key "+template.Quote(key.Text),
				template.Suggest(key.Text, at.Keys(), "", "add it"))
		}
		at, path = next, path+"."+key.Text
	}
	return at.MovedTo(v)
}

func (r *Resolver) ifElse(v, arg *template.Value, m Mode) *template.Value {
	if !arg.IsListOf(3, 3) || !arg.Items[0].IsScalar() {
		return r.Fail(v, "Fn::If takes a condition's name and two values",
			"write !If [Condition, ValueIfTrue, ValueIfFalse]")
	}
	yes, ok := r.Condition(arg.Items[0], arg.Items[0].Text)
	switch {
	case !ok:
		return v.Derive(template.Unknown)
	case yes:
		return r.Eval(arg.Items[1], m)
	}
	return r.Eval(arg.Items[2], m)
}
