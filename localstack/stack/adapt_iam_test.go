package stack

import (
	"testing"

	"github.com/sotto-chat/sotto/localstack/sam"
)

func TestRemediesNameTheTemplate(t *testing.T) {
	plan := &sam.Plan{
		Region:  "us-east-1",
		Account: "000000000000",
		Tables: []sam.Table{
			{LogicalID: "Rooms", ARN: "arn:aws:dynamodb:us-east-1:000000000000:table/rooms"},
			{LogicalID: "Child/Rooms", ARN: "arn:aws:dynamodb:us-east-1:000000000000:table/child-rooms"},
		},
		Functions: []sam.Function{
			{LogicalID: "Send", Name: "send", ARN: "arn:aws:lambda:us-east-1:000000000000:function:send"},
			{LogicalID: "Child/Send", Name: "child-send"},
		},
		APIs: []sam.WebSocketAPI{{LogicalID: "Chat", ID: "abc", Stage: "local"}},
	}
	for arn, want := range map[string]string{
		"arn:aws:dynamodb:us-east-1:000000000000:table/rooms":              "!GetAtt Rooms.Arn",
		"arn:aws:dynamodb:us-east-1:000000000000:table/rooms/index/byName": "!Sub ${Rooms.Arn}/index/byName",
		"arn:aws:lambda:us-east-1:000000000000:function:send:live":         "!Sub ${Send.Arn}:live",
		"arn:aws:execute-api:us-east-1:000000000000:abc/local/POST/@connections/*": "!Sub arn:${AWS::Partition}:" +
			"execute-api:${AWS::Region}:${AWS::AccountId}:${Chat}/local/POST/@connections/*",
		"arn:aws:dynamodb:us-east-1:000000000000:table/other": "",
	} {
		if got := templateName(plan, "send", arn); got != want {
			t.Errorf("%s: got %q, want %q", arn, got, want)
		}
	}
	// A template cannot refer to the resources of another.
	for function, want := range map[string]string{"send": "", "child-send": "!GetAtt Rooms.Arn"} {
		if got := templateName(plan, function, plan.Tables[1].ARN); got != want {
			t.Errorf("a nested table for %s: got %q, want %q", function, got, want)
		}
	}
}
