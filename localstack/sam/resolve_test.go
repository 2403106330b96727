package sam

import (
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/sam/eval"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// loadText loads a template given as text. No test that uses it has functions,
// so no folder is needed.
func loadText(t *testing.T, text string, o Options, overrides map[string]eval.Override) (*Plan, error) {
	t.Helper()
	o.Path = "template.yaml"
	return load(&template.Report{File: o.Path}, []byte(text), t.TempDir(), o, overrides)
}

func TestIntrinsicFunctions(t *testing.T) {
	const head = `
Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]
Parameters:
  Text: {Type: String, Default: hello}
  Name: {Type: String, Default: Table}
  Number: {Type: Number, Default: 12}
  Words: {Type: CommaDelimitedList, Default: 'a, b ,c'}
  Numbers: {Type: List<Number>, Default: '1,2'}
  Subnets: {Type: 'List<AWS::EC2::Subnet::Id>', Default: 's-1,s-2'}
Mappings:
  Sizes:
    us-east-1: {small: 1, list: [x, y]}
Conditions:
  Yes: !Equals [!Ref Text, hello]
  No: !Not [!Condition Yes]
  Long: {Condition: Yes}
  Both: !And [!Condition Yes, !Not [{'Fn::Equals': [a, b]}]]
  Either: !Or [!Condition No, !Equals [!Ref Number, 12]]
  Map: !Equals [!FindInMap [Sizes, us-east-1, small], '1']
Resources:
  Table: {Type: AWS::Serverless::SimpleTable, Properties: {TableName: !Sub '${Text}-table'}}
  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: h, ProtocolType: HTTP}}
  Bucket: {Type: AWS::S3::Bucket}
  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: !Join [-, [!Ref Table, q]]}}
  Topic: {Type: AWS::SNS::Topic}
  Odd: {Type: AWS::Batch::JobQueue}
  Master: {Type: AWS::KMS::Key, Properties: {KeyPolicy: {}}}
  Nickname: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/nick, TargetKeyId: !Ref Master}}
Outputs:
  Out: {Value: `
	tests := []struct{ name, expression, want string }{
		{"literal", `text`, "text"},
		{"number keeps its text", `007`, "007"},
		{"boolean keeps its text", `True`, "True"},
		{"date keeps its text", `2012-10-17`, "2012-10-17"},
		{"ref parameter", `!Ref Text`, "hello"},
		{"ref long form", `{Ref: Text}`, "hello"},
		{"ref resource", `!Ref Table`, "hello-table"},
		{"ref alias", `!Ref Nickname`, "alias/nick"},
		{"region", `!Ref AWS::Region`, "us-east-1"},
		{"account", `!Ref AWS::AccountId`, "000000000000"},
		{"partition", `!Ref AWS::Partition`, "aws"},
		{"suffix", `!Ref AWS::URLSuffix`, "amazonaws.com"},
		{"stack", `!Ref AWS::StackName`, "local"},
		{"getatt", `!GetAtt Table.Arn`, "arn:aws:dynamodb:us-east-1:000000000000:table/hello-table"},
		{"getatt long form", `{'Fn::GetAtt': [Table, Arn]}`,
			"arn:aws:dynamodb:us-east-1:000000000000:table/hello-table"},
		{"getatt of an ignored bucket", `!GetAtt Bucket.RegionalDomainName`, "local-bucket.s3.us-east-1.amazonaws.com"},
		{"ref of an ignored bucket", `!Ref Bucket`, "local-bucket"},
		{"ref of an ignored queue", `!Ref Queue`, "https://sqs.us-east-1.amazonaws.com/000000000000/hello-table-q"},
		{"ref of an ignored topic", `!Ref Topic`, "arn:aws:sns:us-east-1:000000000000:local-Topic"},
		{"getatt of an unknown type", `!GetAtt Odd.JobQueueArn`,
			"arn:aws:batch:us-east-1:000000000000:NotKnownLocallyOddJobQueueArn"},
		{"sub", `!Sub '${Text} ${ Number } ${Table} ${Table.Arn} ${AWS::Region}'`,
			"hello 12 hello-table arn:aws:dynamodb:us-east-1:000000000000:table/hello-table us-east-1"},
		{"sub with a map", `!Sub ['${Text} ${Own}', {Text: mine, Own: !Ref Number}]`, "mine 12"},
		{"sub with a literal", `!Sub '${!Text} $ {Text} $Text'`, "${Text} $ {Text} $Text"},
		{"sub that does not end", `!Sub 'a ${Text'`, "a ${Text"},
		{"sub long form", `{'Fn::Sub': '${Text}'}`, "hello"},
		{"join", `!Join ['-', [a, !Ref Text, !Ref Number]]`, "a-hello-12"},
		{"join of a list parameter", `!Join ['+', !Ref Words]`, "a+b+c"},
		{"join of numbers", `!Join ['+', !Ref Numbers]`, "1+2"},
		{"join of AWS's list type", `!Join ['+', !Ref Subnets]`, "s-1+s-2"},
		{"join drops NoValue", `!Join ['+', [a, !Ref AWS::NoValue, b]]`, "a+b"},
		{"select", `!Select [1, [a, b]]`, "b"},
		{"select of split", `!Select ['2', !Split ['/', 'a/b/c']]`, "c"},
		{"select of a resource's value", `!Select [5, !Split [':', !GetAtt Table.Arn]]`, "table/hello-table"},
		{"find in map", `!FindInMap [Sizes, !Ref AWS::Region, small]`, "1"},
		{"find a list in a map", `!Join ['', !FindInMap [Sizes, us-east-1, list]]`, "xy"},
		{"find with a default", `!FindInMap [Sizes, moon, small, {DefaultValue: none}]`, "none"},
		{"base64", `!Base64 hi`, "aGk="},
		{"base64 of sub", `{'Fn::Base64': !Sub '${Text}'}`, "aGVsbG8="},
		{"zones", `!Join [' ', !GetAZs '']`, "us-east-1a us-east-1b us-east-1c"},
		{"zones of a region", `!Select [0, !GetAZs eu-west-1]`, "eu-west-1a"},
		{"blocks of addresses", `!Join [' ', !Cidr [10.0.0.0/16, 3, 8]]`, "10.0.0.0/24 10.0.1.0/24 10.0.2.0/24"},
		{"blocks of IPv6 addresses", `!Select [1, !Cidr ['2001:db8::/56', 2, 64]]`, "2001:db8:0:1::/64"},
		{"one block, whole", `!Select [0, {'Fn::Cidr': [10.1.2.3/24, 1]}]`, "10.1.2.0/24"},
		{"name given by a function", `!GetAtt [!Sub '${Name}', Arn]`,
			"arn:aws:dynamodb:us-east-1:000000000000:table/hello-table"},
		{"placeholder taken apart", `!Select [3, !Split [':', !Ref Odd]]`, "NotKnownLocallyOdd"},
		{"length", `!Length [a, b, c]`, "3"},
		{"to JSON", `!ToJsonString {a: [1, true, 'x"', 1.50], b: {c: !Ref Text, d: !Ref AWS::NoValue}}`,
			`{"a":[1,true,"x\"",1.50],"b":{"c":"hello"}}`},
		{"if", `!If [Yes, a, b]`, "a"},
		{"if not", `!If [No, a, b]`, "b"},
		{"if long", `!If [Long, a, b]`, "a"},
		{"if and", `!If [Both, a, b]`, "a"},
		{"if or", `!If [Either, a, b]`, "a"},
		{"if map", `!If [Map, a, b]`, "a"},
		{"if nested", `!If [No, a, !If [Yes, !Ref Text, c]]`, "hello"},
		{"if leaves the other branch alone", `!If [Yes, a, !FindInMap [Sizes, moon, big]]`, "a"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := loadText(t, head+test.expression+"}\n", Options{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Outputs[0].Value; got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestPseudoParametersFollowTheRegion(t *testing.T) {
	const text = `
Resources: {Key: {Type: AWS::KMS::Key}}
Outputs: {Arn: {Value: !GetAtt Key.Arn}, Suffix: {Value: !Ref AWS::URLSuffix}}
`
	for region, want := range map[string]string{
		"cn-north-1":    "arn:aws-cn:kms:cn-north-1:123456789012:key/ amazonaws.com.cn",
		"us-gov-west-1": "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/ amazonaws.com",
		"eu-central-1":  "arn:aws:kms:eu-central-1:123456789012:key/ amazonaws.com",
	} {
		p, err := loadText(t, text, Options{Region: region, Account: "123456789012"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		arn, id := p.Outputs[0].Value, p.Keys[0].ID
		if got := strings.TrimSuffix(arn, id) + " " + p.Outputs[1].Value; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestMergeKeysAndAliases(t *testing.T) {
	p, err := loadText(t, `
Metadata:
  Base: &base {KeySpec: RSA_2048, Description: base, EnableKeyRotation: false}
  More: &more {Description: more, KeyUsage: SIGN_VERIFY}
Resources:
  A: {Type: AWS::KMS::Key, Properties: {<<: *base, Description: own}}
  B: {Type: AWS::KMS::Key, Properties: {<<: [*more, *base]}}
  C: {Type: AWS::KMS::Key, Properties: *base}
`, Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"own RSA_2048 ENCRYPT_DECRYPT", "more RSA_2048 SIGN_VERIFY",
		"base RSA_2048 ENCRYPT_DECRYPT"} {
		k := p.Keys[i]
		if got := k.Description + " " + k.Spec + " " + k.Usage; got != want {
			t.Errorf("key %s: got %q, want %q", k.LogicalID, got, want)
		}
	}
}

func TestIDsAreStable(t *testing.T) {
	const text = `Resources: {Key: {Type: AWS::KMS::Key}, Other: {Type: AWS::KMS::Key}}`
	load := func(stack string) *Plan {
		p, err := loadText(t, text, Options{StackName: stack}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	a, again, b := load("a"), load("a"), load("b")
	if a.Keys[0].ID != again.Keys[0].ID {
		t.Errorf("the key's id changed from %s to %s", a.Keys[0].ID, again.Keys[0].ID)
	}
	if a.Keys[0].ID == a.Keys[1].ID || a.Keys[0].ID == b.Keys[0].ID {
		t.Errorf("two keys have the id %s", a.Keys[0].ID)
	}
}

func TestLongNamesAreCut(t *testing.T) {
	long := strings.Repeat("L", 70)
	p, err := loadText(t, "Resources: {"+long+"A: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}, "+
		long+"B: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}}\n"+
		"Outputs: {A: {Value: !Ref "+long+"A}, B: {Value: !Ref "+long+"B}}", Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, b := p.Outputs[0].Value, p.Outputs[1].Value
	if len(a) != 64 || len(b) != 64 || a == b {
		t.Errorf("got %q and %q, want two names of 64 characters", a, b)
	}
}

func TestGrowingReferencesAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("Resources:\n  Q0: {Type: AWS::SNS::Topic, Properties: {TopicName: aaaaaaaa}}\n")
	name := "Q0"
	for _, next := range strings.Split(strings.Repeat("Q,", 40), ",") {
		next = name + next
		b.WriteString("  " + next + ": {Type: AWS::SNS::Topic, Properties: {TopicName: !Sub '${" + name +
			"}${" + name + "}'}}\n")
		name = next
		if len(name) > 40 {
			break
		}
	}
	b.WriteString("Outputs: {Out: {Value: !Ref " + name + "}}\n")
	_, err := loadText(t, b.String(), Options{}, nil)
	if err == nil || !strings.Contains(err.Error(), "the result is longer than 262144 bytes; shorten it") {
		t.Errorf("got %.200v, want an error about the length", err)
	}
}

func TestDepthIsBounded(t *testing.T) {
	deep := strings.Repeat("[", 300) + strings.Repeat("]", 300)
	_, err := loadText(t, "Metadata: "+deep+"\nResources: {Logs: {Type: AWS::Logs::LogGroup}}", Options{}, nil)
	if err == nil || !strings.HasSuffix(err.Error(), ": nested deeper than 200 levels; flatten the template") {
		t.Errorf("got %v", err)
	}
}

func TestSizeIsBounded(t *testing.T) {
	_, err := loadText(t, "# "+strings.Repeat("x", template.MaxSize), Options{}, nil)
	if err == nil || err.Error() != "template.yaml:1:1: the template is larger than 1 MiB, CloudFormation's limit; split it" {
		t.Errorf("got %v", err)
	}
}

func TestJSONTemplates(t *testing.T) {
	p, err := loadText(t, "{\n\t\"Resources\": {\n\t\t\"Key\": {\"Type\": \"AWS::KMS::Key\", \"Properties\": {\"Description\": {\"Fn::Sub\": \"\\u0061 ${AWS::Region}\"}}}\n\t}\n}\r\n", Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Keys[0].Description; got != "a us-east-1" {
		t.Errorf("got %q", got)
	}
}
