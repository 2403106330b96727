package sam

import (
	"fmt"
	"strings"
	"testing"
)

const ignoredResources = `
Parameters: {Own: {Type: String, Default: of-mine}}
Resources:
  Items: {Type: AWS::DynamoDB::Table, Properties: {TableName: items, BillingMode: PAY_PER_REQUEST, KeySchema: [{AttributeName: id, KeyType: HASH}], AttributeDefinitions: [{AttributeName: id, AttributeType: S}]}}
  Mode: {Type: AWS::SSM::Parameter, Properties: {Name: /app/mode, Type: String, Value: !Sub '${Own}-${Items}'}}
  Net: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Door: {Type: AWS::EC2::SecurityGroup}
  Pool: {Type: AWS::Cognito::UserPool}
  Client: {Type: AWS::Cognito::UserPoolClient, Properties: {ClientName: web}}
  Edge: {Type: AWS::CloudFront::Distribution}
  Secret: {Type: AWS::SecretsManager::Secret}
  Named: {Type: AWS::SecretsManager::Secret, Properties: {Name: app/key}}
  Jobs: {Type: AWS::SQS::Queue}
  News: {Type: AWS::SNS::Topic}
  Files: {Type: AWS::S3::Bucket}
  Log: {Type: AWS::Logs::LogGroup}
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: main}}
  Feed: {Type: AWS::Kinesis::Stream}
  Http: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: h, ProtocolType: HTTP}}
  Far: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: 'https://example.com/t.yaml'}}
  Own1: {Type: 'Custom::Thing', Properties: {ServiceToken: x}}
Outputs:
  Out: {Value: `

// What is in the template or follows from AWS's rules has its value; what AWS
// draws has a placeholder.
func TestValuesOfIgnoredResources(t *testing.T) {
	for _, test := range []struct{ reference, want string }{
		{`!GetAtt Mode.Value`, "of-mine-items"},
		{`!GetAtt Mode.Type`, "String"},
		{`!Sub '${Mode}=${Mode.Value}'`, "/app/mode=of-mine-items"},
		{`!GetAtt Net.CidrBlock`, "10.0.0.0/16"},
		{`!Ref Jobs`, "https://sqs.us-east-1.amazonaws.com/000000000000/local-Jobs"},
		{`!GetAtt News.TopicArn`, "arn:aws:sns:us-east-1:000000000000:local-News"},
		{`!GetAtt Files.Arn`, "arn:aws:s3:::local-files"},
		{`!GetAtt Log.Arn`, "arn:aws:logs:us-east-1:000000000000:log-group:local-Log:*"},
		{`!GetAtt Bus.Arn`, "arn:aws:events:us-east-1:000000000000:event-bus/main"},
		{`!GetAtt Feed.Arn`, "arn:aws:kinesis:us-east-1:000000000000:stream/local-Feed"},

		{`!Ref Net`, "NotKnownLocallyNet"},
		{`!GetAtt Net.DefaultSecurityGroup`, "NotKnownLocallyNetDefaultSecurityGroup"},
		{`!GetAtt Door.GroupId`, "NotKnownLocallyDoorGroupId"},
		{`!Ref Pool`, "NotKnownLocallyPool"},
		{`!GetAtt Pool.Arn`, "arn:aws:cognito:us-east-1:000000000000:NotKnownLocallyPoolArn"},
		{`!Ref Client`, "NotKnownLocallyClient"},
		{`!GetAtt Edge.DomainName`, "NotKnownLocallyEdgeDomainName"},
		{`!Ref Secret`, "arn:aws:secretsmanager:us-east-1:000000000000:secret:local-Secret-NotKnownLocallySecret"},
		{`!Ref Named`, "arn:aws:secretsmanager:us-east-1:000000000000:secret:app/key-NotKnownLocallyNamed"},
		{`!GetAtt Http.ApiEndpoint`, "https://NotKnownLocallyHttpApiEndpoint.invalid"},
		{`!GetAtt Far.Outputs.Table`, "NotKnownLocallyFarOutputsTable"},
		{`!GetAtt Own1.Answer`, "NotKnownLocallyOwn1Answer"},
		{`!Base64 {Ref: Pool}`, "NotKnownLocallyPool"},
		{`!Select [1, !Split ['_', !Ref Pool]]`, "NotKnownLocallyPool"},
	} {
		p, err := loadText(t, ignoredResources+test.reference+"}\n", Options{}, nil)
		if err != nil {
			t.Errorf("%s: %v", test.reference, err)
			continue
		}
		if got := p.Outputs[0].Value; got != test.want {
			t.Errorf("%s: got %q, want %q", test.reference, got, test.want)
		}
		for _, n := range p.Notes {
			if n.Placeholder {
				t.Errorf("%s: got the note %q, want none, since an output runs nothing", test.reference, n.Reason)
			}
		}
	}
}

// Two references have two placeholders, even if their names run together.
func TestPlaceholdersDiffer(t *testing.T) {
	p, err := loadText(t, `
Resources: {Pool: {Type: AWS::Cognito::UserPool}, PoolId: {Type: AWS::Cognito::UserPool}}
Outputs: {A: {Value: !GetAtt Pool.Id}, B: {Value: !Ref PoolId}, C: {Value: !GetAtt Pool.Id}}
`, Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, b, c := p.Outputs[0].Value, p.Outputs[1].Value, p.Outputs[2].Value
	if a == b || a != c {
		t.Errorf("got %s, %s and %s, want the first and the last to be the same and the other to differ", a, b, c)
	}
}

// A value that is passed along has a note with its position; the stack starts.
func TestPlaceholdersThatArePassedAlong(t *testing.T) {
	p := mustLoad(t, strings.Replace(samHead, "{Type: AWS::Serverless::Function}", `
    Type: AWS::Serverless::Function
    Properties:
      Environment: {Variables: {POOL: !Ref Pool, MODE: !Sub 'x-${Mode.Value}'}}
      VpcConfig: {SecurityGroupIds: [!GetAtt Door.GroupId]}
      Tags: {pool: !Ref Pool}
      Policies: [{Statement: {Effect: Allow, Action: 'cognito-idp:*', Resource: !Ref Pool}}]
  Pool: {Type: AWS::Cognito::UserPool}
  Door: {Type: AWS::EC2::SecurityGroup}
  Mode: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: fast}}`, 1))
	f := p.Function("Fn")
	if f.Environment["POOL"] != "NotKnownLocallyPool" || f.Environment["MODE"] != "x-fast" {
		t.Errorf("got the variables %v, want a placeholder and the parameter's value", f.Environment)
	}
	want := "arn:aws:unknown:us-east-1:000000000000:NotKnownLocallyPool" // IAM accepts ARNs only
	if got := f.Role.Policies[0].Statements[0].Resource[0]; got != want {
		t.Errorf("got the resource %s, want %s", got, want)
	}
	var notes []string
	for _, n := range p.Notes {
		if n.Placeholder {
			notes = append(notes, fmt.Sprintf("%d:%d %s %s", n.Line, n.Column, n.LogicalID, n.Reason))
		}
	}
	wants := `7:39 Fn Environment.Variables.POOL is "NotKnownLocallyPool", because only AWS knows the value of !Ref Pool (AWS::Cognito::UserPool)
10:81 FnRole Fn.Policies[0].Statement.Resource is "NotKnownLocallyPool", because only AWS knows the value of !Ref Pool (AWS::Cognito::UserPool)`
	if got := strings.Join(notes, "\n"); got != wants {
		t.Errorf("got\n%s\nwant\n%s", got, wants)
	}
}

// Where the stack itself needs the value, its absence is a mistake.
func TestPlaceholdersThatTheStackNeeds(t *testing.T) {
	const needs = ", which only AWS knows; use a parameter instead"
	refused(t, samHead+`
  Far: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: 'https://example.com/t.yaml'}}
  Named: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt Far.Outputs.Name}}
  Table: {Type: AWS::Serverless::SimpleTable, Properties: {TableName: !Sub 'x-${Far.Outputs.Name}'}}
  Code:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: !GetAtt Far.Outputs.Code, Timeout: !GetAtt Far.Outputs.Time}
  Alias: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/a, TargetKeyId: !GetAtt Far.Outputs.Key}}
  Inner: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: !GetAtt Far.Outputs.Url}}
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      StageName: !GetAtt Far.Outputs.Stage
      RouteSelectionExpression: $request.body.action
      Routes: {a: {FunctionArn: !GetAtt Far.Outputs.Arn}}
  More: {Type: AWS::ApiGatewayV2::Model, Properties: {ApiId: !GetAtt Far.Outputs.Api, Name: m, Schema: {}}}
`,
		"8:71: Table.TableName: needs the value of !GetAtt Far.Outputs.Name (AWS::CloudFormation::Stack)"+needs,
		"11:27: Code.CodeUri: needs the value of !GetAtt Far.Outputs.Code (AWS::CloudFormation::Stack)"+needs,
		"11:62: Code.Timeout: needs the value of !GetAtt Far.Outputs.Time (AWS::CloudFormation::Stack)"+needs,
		"12:80: Alias.TargetKeyId: needs the value of !GetAtt Far.Outputs.Key (AWS::CloudFormation::Stack)"+needs,
		"13:71: Inner.TemplateURL: needs the value of !GetAtt Far.Outputs.Url (AWS::CloudFormation::Stack)"+needs,
		"17:18: Api.StageName: needs the value of !GetAtt Far.Outputs.Stage (AWS::CloudFormation::Stack)"+needs,
		"19:33: Api.Routes.a.FunctionArn: needs the value of !GetAtt Far.Outputs.Arn (AWS::CloudFormation::Stack)"+needs,
		"20:62: More.ApiId: needs the value of !GetAtt Far.Outputs.Api (AWS::CloudFormation::Stack)"+needs)
}

// A resource that is not created has no notes.
func TestNoNotesOfDisabledResources(t *testing.T) {
	p := mustLoad(t, strings.Replace(samHead, "{Type: AWS::Serverless::Function}", `{Type: AWS::Serverless::Function}
  Off:
    Type: AWS::Serverless::Function
    Condition: Never
    Properties:
      FunctionUrlConfig: {AuthType: NONE}
      Events:
        Queue: {Type: SQS, Properties: {Queue: x}}
        Get: {Type: Api, Properties: {Path: /, Method: get}}
Conditions: {Never: !Equals [a, b]}`, 1))
	if len(p.Notes) > 0 {
		t.Errorf("got the notes %+v, want none", p.Notes)
	}
}
