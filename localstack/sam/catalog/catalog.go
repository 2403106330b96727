// Package catalog holds one entry for each resource type: what the local stack
// knows of the type is declared there and nowhere else.
//
// To add a resource type that has an effect:
//
//  1. Here, in the file of the service: an entry with the properties (Shape), the rule for the
//     name (Naming), what Ref and Fn::GetAtt return (Identify), and Build. If it
//     is part of another resource, BuiltBy names that type instead.
//  2. In package plan: the plain values that the stack deploys.
//  3. In package build: the function that reads resolved properties into the plan.
//  4. For a resource of SAM instead of 2 and 3, in package expand: the function
//     that generates the resources of CloudFormation.
//
// A service that is new here also needs its types in services.txt. To describe
// a type without effect, add it to ignored.go. The tests of this package fail
// if an entry lacks a part.
package catalog

import (
	"maps"
	"regexp"
	"slices"

	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// types are all types with an effect, in the order in which they are built: a
// type comes after those that its Build looks up in the plan.
var types = slices.Concat(nestedTypes, iamTypes, dynamoDBTypes, globalTableTypes, kmsTypes, lambdaTypes,
	eventTypes, apiTypes, accessTypes)

// byName are the types by their name in templates.
var byName = index(types)

func index(types []*resource.Type) map[string]*resource.Type {
	m := make(map[string]*resource.Type, len(types))
	for _, t := range types {
		m[t.Name] = t
	}
	return m
}

// Types returns the types with an effect by name. The caller may not change
// them.
func Types() map[string]*resource.Type { return byName }

// Ignored returns the types without effect that have a description, by name.
// The caller may not change them.
func Ignored() map[string]*resource.Ignored { return ignored }

// Names returns the names of the types with an effect, sorted.
func Names() []string { return slices.Sorted(maps.Keys(byName)) }

// Build adds all resolved resources of a set to its plan.
func Build(s *resource.Set) {
	for _, t := range types {
		if t.Build != nil {
			t.Build(s)
		}
	}
}

// naming returns the rule for a physical name.
func naming(property string, most int, pattern string) *resource.Naming {
	return &resource.Naming{Property: property, Max: most, Pattern: regexp.MustCompile(pattern)}
}

// nameOnly is Identify for a type without attributes whose Ref is its name.
func nameOnly(*resource.Set, *template.Resource) {}
