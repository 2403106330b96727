package build

import "github.com/sotto-chat/sotto/localstack/sam/resource"

// NestedStacks notes each AWS::CloudFormation::Stack that is not run. The
// resources of the others are in s.
func NestedStacks(s *resource.Set) {
	for _, res := range s.Active("AWS::CloudFormation::Stack") {
		if res.NotRun {
			s.NoteResource(res, "its template is not on this machine, so the nested stack is not run")
		}
	}
}
