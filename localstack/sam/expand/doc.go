// Package expand turns SAM's resources into the CloudFormation resources that
// the SAM transform generates, under the same logical ids (samtranslator
// 1.109). It also merges Globals, which belong to SAM.
package expand
