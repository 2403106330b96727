package sam

import (
	"fmt"
	"regexp"
	"strings"
)

// naming says where a type's physical name comes from and what it may be.
type naming struct {
	property string
	most     int // characters
	pattern  *regexp.Regexp
}

// The patterns are those of the services' APIs (CreateFunction, CreateTable,
// CreateRole, PutRule, CreateSchedule).
var namings = map[string]naming{
	"AWS::Lambda::Function":    {"FunctionName", 64, regexp.MustCompile(`^[a-zA-Z0-9-_]+$`)},
	"AWS::DynamoDB::Table":     {"TableName", 255, regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,}$`)},
	"AWS::IAM::Role":           {"RoleName", 64, regexp.MustCompile(`^[\w+=,.@-]+$`)},
	"AWS::IAM::ManagedPolicy":  {"ManagedPolicyName", 128, regexp.MustCompile(`^[\w+=,.@-]+$`)},
	"AWS::Events::Rule":        {"Name", 64, regexp.MustCompile(`^[.\-_A-Za-z0-9]+$`)},
	"AWS::Scheduler::Schedule": {"Name", 64, regexp.MustCompile(`^[0-9a-zA-Z-_.]+$`)},
	"AWS::KMS::Alias":          {"AliasName", 256, regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]+$`)},
}

// physical gives a resource its name: the one that the template sets, checked,
// or one made of the stack's name and the logical id.
func (l *loader) physical(res *resource, n naming) string {
	v := res.props.get(n.property)
	if v == nil {
		return physicalName(n.most, l.plan.StackName, res.id)
	}
	if v.kind == unknown {
		res.broken = true
		return ""
	}
	if n.pattern != nil && (len(v.text) > n.most || !n.pattern.MatchString(v.text)) {
		l.fail(v, quote(v.text)+" is not a valid name",
			fmt.Sprintf("use up to %d characters that match %s", n.most, n.pattern))
		res.broken = true
	}
	return v.text
}

// arn builds an ARN in the plan's account and region; a service without
// regions takes an empty region.
func (l *loader) arn(service, region, rest string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", l.pseudo["AWS::Partition"], service, region, l.plan.Account, rest)
}

// identify gives a resource what Ref and GetAtt return for it, as in the
// "Return values" of CloudFormation's reference.
func (l *loader) identify(res *resource) {
	stack, region := l.plan.StackName, l.plan.Region
	if n, ok := namings[res.typ]; ok {
		res.name = l.physical(res, n)
		res.ref = res.name
	}
	switch res.typ {
	case "AWS::Lambda::Function":
		res.attrs = map[string]string{"Arn": l.arn("lambda", region, "function:"+res.name)}
	case "AWS::DynamoDB::Table":
		arn := l.arn("dynamodb", region, "table/"+res.name)
		res.attrs = map[string]string{"Arn": arn}
		if res.props.has("StreamSpecification") {
			res.attrs["StreamArn"] = arn + "/stream/2026-01-01T00:00:00.000"
		}
	case "AWS::KMS::Key":
		res.ref = uuid(stack, res.id)
		if res.props.boolOr("MultiRegion", false) {
			res.ref = "mrk-" + strings.ReplaceAll(res.ref, "-", "")
		}
		res.attrs = map[string]string{"Arn": l.arn("kms", region, "key/"+res.ref), "KeyId": res.ref}
	case "AWS::KMS::Alias": // Ref is the name; it has no attributes
	case "AWS::IAM::Role":
		id := "AROA" + strings.ToUpper(shortID(17, "role", stack, res.id))
		res.attrs = map[string]string{"Arn": l.arn("iam", "",
			"role"+res.props.strOr("Path", "/")+res.name), "RoleId": id}
	case "AWS::IAM::ManagedPolicy":
		res.ref = l.arn("iam", "", "policy"+res.props.strOr("Path", "/")+res.name)
		res.attrs = map[string]string{"PolicyArn": res.ref,
			"PolicyId": "ANPA" + strings.ToUpper(shortID(17, "policy", stack, res.id))}
	case "AWS::IAM::RolePolicy":
		res.ref = physicalName(64, stack, res.id)
	case "AWS::IAM::Policy":
		res.ref = physicalName(64, stack, res.id)
		res.attrs = map[string]string{"Id": res.ref}
	case "AWS::Events::Rule":
		res.attrs = map[string]string{"Arn": l.arn("events", region, "rule/"+res.name)}
	case "AWS::Scheduler::Schedule":
		res.attrs = map[string]string{"Arn": l.arn("scheduler", region,
			"schedule/"+res.props.strOr("GroupName", "default")+"/"+res.name)}
	case "AWS::Lambda::Permission", "AWS::Lambda::EventInvokeConfig":
		res.ref = physicalName(100, stack, res.id)
		res.attrs = map[string]string{"Id": res.ref}
	case "AWS::Lambda::EventSourceMapping":
		res.ref = uuid(stack, res.id)
		res.attrs = map[string]string{"Id": res.ref,
			"EventSourceMappingArn": l.arn("lambda", region, "event-source-mapping:"+res.ref)}
	case "AWS::ApiGatewayV2::Api":
		res.ref = shortID(10, "api", stack, res.id)
		scheme := "https"
		if res.props.str("ProtocolType") == "WEBSOCKET" {
			scheme = "wss"
		}
		res.attrs = map[string]string{
			"ApiId": res.ref,
			"ApiEndpoint": fmt.Sprintf("%s://%s.execute-api.%s.%s", scheme, res.ref, region,
				l.pseudo["AWS::URLSuffix"]),
			"ExecuteApiArn": l.arn("execute-api", region, res.ref),
		}
	case "AWS::ApiGatewayV2::Stage":
		res.ref = res.props.str("StageName")
	case "AWS::ApiGatewayV2::DomainName":
		res.ref = res.props.str("DomainName")
		regional := "d-" + shortID(10, "domain", stack, res.id) + ".execute-api." + region + "." +
			l.pseudo["AWS::URLSuffix"]
		res.attrs = map[string]string{"DomainName": res.ref,
			"DomainNameArn":      l.arn("apigateway", region, "/domainnames/"+res.ref),
			"RegionalDomainName": regional, "DistributionDomainName": regional,
			"RegionalHostedZoneId":     strings.ToUpper("Z" + shortID(13, "zone", stack, res.id)),
			"DistributionHostedZoneId": "Z2FDTNDATAQYW2"}
	case "AWS::ApiGateway::ApiKey", "AWS::ApiGateway::UsagePlan", "AWS::ApiGateway::UsagePlanKey":
		res.ref = shortID(10, res.typ, stack, res.id)
		res.attrs = map[string]string{"Id": res.ref}
		if res.typ == "AWS::ApiGateway::ApiKey" {
			res.attrs = map[string]string{"APIKeyId": res.ref}
		}
	default: // the other parts of an API
		res.ref = shortID(7, "apipart", stack, res.id)
		part := res.typ[strings.LastIndex(res.typ, ":")+1:]
		res.attrs = map[string]string{part + "Id": res.ref}
	}
}

// attribute returns what GetAtt gives.
func (r *resource) attribute(name string) (string, bool) {
	if s, ok := r.attrs[name]; ok {
		return s, true
	}
	if !r.noted {
		return "", false
	}
	switch {
	case strings.HasSuffix(name, "Arn"):
		return r.attrs["Arn"], true
	case strings.HasSuffix(name, "Name"), strings.HasSuffix(name, "Id"):
		return r.name, true
	case strings.HasSuffix(name, "Url"), strings.HasSuffix(name, "URL"), strings.HasSuffix(name, "Endpoint"):
		return "https://" + strings.ToLower(r.name) + ".invalid", true
	}
	return r.name + "-" + name, true
}
