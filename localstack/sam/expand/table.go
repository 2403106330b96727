package expand

import (
	"cmp"

	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// SimpleTable expands AWS::Serverless::SimpleTable to a table with one key, by
// default id, and by default without provisioned throughput.
func SimpleTable(_ *resource.Set, res *template.Resource, _ *template.Value) {
	p, at := res.Properties, res.At
	keyName, keyType := at.NewText("id"), at.NewText("S")
	if pk := p.Get("PrimaryKey"); pk.Has("Name") {
		letter := map[string]string{"String": "S", "Number": "N", "Binary": "B"}[pk.Str("Type")]
		keyName, keyType = pk.Get("Name"), pk.NewText(cmp.Or(letter, "S"))
	}
	definition := at.NewObject(template.With("AttributeName", keyName), template.With("AttributeType", keyType))
	element := at.NewObject(template.With("AttributeName", keyName), template.With("KeyType", at.NewText("HASH")))
	fields := template.Pick(p, "TableName", "ProvisionedThroughput", "PointInTimeRecoverySpecification",
		"SSESpecification")
	fields = append(fields, template.With("AttributeDefinitions", at.NewList(definition)),
		template.With("KeySchema", at.NewList(element)))
	if !p.Has("ProvisionedThroughput") {
		fields = append(fields, template.With("BillingMode", at.NewText("PAY_PER_REQUEST")))
	}
	res.Type = "AWS::DynamoDB::Table"
	res.Properties = p.NewObject(fields...)
}
