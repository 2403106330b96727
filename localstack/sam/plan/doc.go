// Package plan holds the result of loading a template: plain values with every
// name, ARN and environment variable resolved.
//
// It is what the local stack deploys. A value is complete: nothing in it refers
// to the template, except the position that [Origin] keeps for error messages.
package plan
