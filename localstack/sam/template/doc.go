// Package template reads a template: YAML or JSON becomes [Value]s that know
// their position, and mistakes are collected in a [Report].
//
// It knows the syntax of CloudFormation (intrinsic functions, their short
// forms, logical ids) but no resource type and no section. It evaluates
// nothing; package eval does.
package template
