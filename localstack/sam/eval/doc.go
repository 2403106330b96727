// Package eval evaluates the language of a template: parameters, mappings,
// conditions, rules, loops, included files and intrinsic functions.
//
// It knows resources only by what Ref and Fn::GetAtt return for them. The order
// in which resources are resolved is package resource's concern.
package eval
