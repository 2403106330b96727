package catalog

import (
	_ "embed"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/template"
)

//go:embed services.txt
var servicesText string

// services maps each service of CloudFormation to all of its types if some have
// an effect here, and to nothing otherwise.
var services = parseServices(servicesText)

func parseServices(text string) map[string][]string {
	m := map[string][]string{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) > 0 && words[0] != "#" {
			m[words[0]] = words[1:]
		}
	}
	return m
}

// Problem returns what is wrong with the name of a resource type. It is empty
// if the type exists, as far as services.txt says.
func Problem(typ string) (problem, remedy string) {
	parts := strings.Split(typ, "::")
	unknown := "unknown resource type " + template.Quote(typ)
	switch {
	case parts[0] == "Custom" && len(parts) == 2:
		return "", ""
	case len(parts) < 3 || parts[0] == "":
		return unknown, template.Suggest(typ, Names(), "", "write a type such as AWS::DynamoDB::Table")
	case parts[0] != "AWS":
		return "", "" // the CloudFormation registry: Organisation::Service::Resource
	}
	service, rest := parts[1], strings.Join(parts[2:], "::")
	types, ok := services[service]
	switch {
	case !ok:
		best := template.Nearest(service, template.SortedKeys(services))
		if best == "" {
			return unknown, "correct the type"
		}
		return unknown, "did you mean AWS::" + best + "::" + rest + "?"
	case len(types) == 0 || slices.Contains(types, rest):
		return "", ""
	}
	return unknown, template.Suggest(rest, types, "AWS::"+service+"::", "correct the type")
}
