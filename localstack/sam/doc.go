// Package sam reads an AWS SAM or CloudFormation template and resolves it to a
// [Plan]: plain Go values that say which WebSocket APIs, functions, tables,
// keys and schedules exist, with every name, ARN and environment variable
// already known.
//
// Use it wherever a template has to run without AWS. It follows CloudFormation:
// SAM resources are first expanded to the CloudFormation resources that the
// SAM transform would generate, under the same logical ids, then parameters,
// conditions and intrinsic functions are resolved in dependency order.
// Physical ids that AWS would draw at random are derived from the stack name
// and the logical id, so the same template always gives the same plan.
//
// Mistakes are reported all at once, each as one line with its position in the
// template and what to do about it (see [Error]). Resources that mean nothing
// on one machine, such as alarms and log groups, are listed in [Plan.Notes].
//
// The package never calls AWS, never runs or builds a function, never reads
// the environment, and never writes a file. It reads the template, on request
// samconfig.toml beside it and the local files that it includes, and looks
// whether the code folders hold what a build needs.
package sam
