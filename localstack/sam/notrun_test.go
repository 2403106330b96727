package sam

import (
	"fmt"
	"strings"
	"testing"
)

// A function in another language does not stop the others. One note says where
// it is, why it is not run, and what does not work without it.
func TestFunctionsThatAreNotRun(t *testing.T) {
	p := mustLoad(t, `Transform: AWS::Serverless-2016-10-31
Resources:
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Auth: {AuthType: CUSTOM, AuthArn: !GetAtt Node.Arn}
      Routes:
        $connect: {FunctionArn: !GetAtt Go.Arn}
        py: {FunctionArn: !GetAtt Python.Arn}
        go: {FunctionArn: !GetAtt Go.Arn}
  Table: {Type: AWS::DynamoDB::Table, Properties: {BillingMode: PAY_PER_REQUEST, StreamSpecification: {StreamViewType: NEW_IMAGE},
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}], KeySchema: [{AttributeName: id, KeyType: HASH}]}}
  Go: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, Handler: bootstrap, CodeUri: fn}}
  Python:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.14
      CodeUri: missing
      Layers: [x]
      Events:
        Nightly: {Type: Schedule, Properties: {Schedule: rate(1 day)}}
        Queue: {Type: SQS, Properties: {Queue: x, BatchSize: 1}}
        Feed: {Type: DynamoDB, Properties: {Stream: !GetAtt Table.StreamArn, StartingPosition: LATEST}}
        Http: {Type: Api, Properties: {Path: /, Method: get}}
  Node: {Type: AWS::Serverless::Function, Properties: {Runtime: nodejs22.x, InlineCode: x, Handler: index.handler}}
  Image: {Type: AWS::Serverless::Function, Properties: {PackageType: Image, ImageUri: x}}
  Rust: {Type: AWS::Serverless::Function, Metadata: {BuildMethod: rust-cargolambda}, Properties: {Runtime: provided.al2023, CodeUri: missing}}
  Remote: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, Handler: bootstrap, CodeUri: "s3://a/b"}}
  Bucket: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, Handler: bootstrap, CodeUri: {Bucket: b, Key: k}}}
`)
	want := []string{
		`Python 18:16 the runtime "python3.14" is not run locally; these routes answer with an error: py; ` +
			`these do not invoke it: PythonFeed, PythonNightly`,
		`Node 26:65 the runtime "nodejs22.x" is not run locally; these routes answer with an error: $connect (authorizer)`,
		`Image 27:70 container images are not run locally`,
		`Rust 28:9 the build method "rust-cargolambda" is not for Go, so the function is not run locally`,
		`Remote 29:113 the code is not on this machine, so the function is not run locally`,
		`Bucket 30:113 the code is not on this machine, so the function is not run locally`,
	}
	var got []string
	for _, n := range p.Notes {
		if n.Type == "AWS::Lambda::Function" {
			got = append(got, fmt.Sprintf("%s %d:%d %s", n.LogicalID, n.Line, n.Column, n.Reason))
		} else if n.LogicalID == "Python" {
			t.Errorf("another note about Python: %+v", n)
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, f := range p.Functions {
		if (f.NotRun == nil) != (f.LogicalID == "Go") {
			t.Errorf("%s: NotRun is %+v", f.LogicalID, f.NotRun)
		}
	}
	refused(t, `Transform: AWS::Serverless-2016-10-31
Resources:
  Python: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.14}}
  Image: {Type: AWS::Serverless::Function, Properties: {PackageType: Image}}
`,
		`3:67: Python.Runtime: the runtime "python3.14" is not run locally, and neither is any other function of the template; `+
			`run a template with at least one function in Go`,
		"4:70: Image.PackageType: container images are not run locally, and neither is any other function of the template; "+
			"run a template with at least one function in Go")
}
