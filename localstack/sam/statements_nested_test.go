package sam

import (
	"slices"
	"testing"
)

const nestedApp = `-- template.yaml --
Transform: AWS::Serverless-2016-10-31
Resources:
  Orders:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: sub/orders.yaml, Parameters: {Level: top}}
  App:
    Type: AWS::Serverless::Application
    Properties: {Location: sub/orders.yaml, Parameters: {Level: !GetAtt Orders.Outputs.Name}}
Outputs:
  ID: {Value: !Ref Orders}
  Name: {Value: !GetAtt Orders.Outputs.Name}
  Key: {Value: !GetAtt Orders.Outputs.Key}
  AppName: {Value: !Sub '${App.Outputs.Name}'}
  AppLevel: {Value: !GetAtt App.Outputs.Level}
-- sub/orders.yaml --
Parameters: {Level: {Type: String}}
Resources:
  Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}
  Deep: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: deep/key.yaml}}
Outputs:
  Name: {Value: !Ref AWS::StackName}
  ID: {Value: !Ref AWS::StackId}
  Role: {Value: !Ref Role}
  Key: {Value: !GetAtt Deep.Outputs.Name}
  Level: {Value: !Ref Level}
-- sub/deep/key.yaml --
Resources: {Key: {Type: AWS::KMS::Key}}
Outputs: {Name: {Value: !Ref AWS::StackName}}
`

func TestF4_1_ReferencesToANestedStack(t *testing.T) {
	p, mistakes := loadTree(t, nestedApp)
	if mistakes != "" {
		t.Fatal(mistakes)
	}
	want := map[string]string{
		"ID":       stackID(p, "local-Orders"),
		"Name":     "local-Orders",
		"Key":      "local-Orders-Deep",
		"AppName":  "local-App",
		"AppLevel": "local-Orders",
	}
	if len(p.Outputs) != len(want) {
		t.Errorf("got %d outputs, want %d: those of a nested stack are its own", len(p.Outputs), len(want))
	}
	for _, o := range p.Outputs {
		if o.Value != want[o.Name] {
			t.Errorf("%s: got %q, want %q", o.Name, o.Value, want[o.Name])
		}
	}
}

func TestF4_2_NamesOfNestedStacks(t *testing.T) {
	p, mistakes := loadTree(t, `-- template.yaml --
Resources:
  A: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: table.yaml}}
  B: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: table.yaml}}
-- table.yaml --
Resources:
  Notes: {Type: AWS::DynamoDB::Table, Properties: {BillingMode: PAY_PER_REQUEST, KeySchema: [{AttributeName: id, KeyType: HASH}], AttributeDefinitions: [{AttributeName: id, AttributeType: S}]}}
  Key: {Type: AWS::KMS::Key}
`)
	if mistakes != "" {
		t.Fatal(mistakes)
	}
	if got, want := p.Tables[0].Name+" "+p.Tables[1].Name, "local-A-Notes local-B-Notes"; got != want {
		t.Errorf("got the tables %s, want %s", got, want)
	}
	if p.Keys[0].ID == p.Keys[1].ID {
		t.Errorf("got the id %s for the keys of two stacks, want two ids", p.Keys[0].ID)
	}
}

func TestF4_3_LocalTemplatesOfNestedStacks(t *testing.T) {
	p, mistakes := loadTree(t, nestedApp)
	if mistakes != "" {
		t.Fatal(mistakes)
	}
	var got []string
	for _, k := range p.Keys {
		got = append(got, k.LogicalID)
	}
	if want := []string{"Orders/Deep/Key", "App/Deep/Key"}; !slices.Equal(got, want) {
		t.Errorf("got the keys %v, want %v: a path is relative to the template that has it", got, want)
	}
	for _, url := range []string{"https://bucket.s3.amazonaws.com/orders.yaml", "s3://bucket/orders.yaml"} {
		p, mistakes := loadTree(t, "-- template.yaml --\nResources: {Far: {Type: AWS::CloudFormation::Stack, "+
			"Properties: {TemplateURL: '"+url+"'}}}\n")
		if mistakes != "" {
			t.Fatal(mistakes)
		}
		if len(p.Notes) != 1 || p.Notes[0].LogicalID != "Far" {
			t.Errorf("%s: got the notes %+v, want one for Far", url, p.Notes)
		}
	}
}
