package stack

import (
	"strings"

	"github.com/sotto-chat/sotto/localstack/dynamodb"
	"github.com/sotto-chat/sotto/localstack/sam"
)

// table returns the request that creates a table.
func table(t sam.Table) dynamodb.CreateTableInput {
	in := dynamodb.CreateTableInput{
		TableName:                 &t.Name,
		KeySchema:                 keySchema(t.KeySchema),
		BillingMode:               t.BillingMode,
		ProvisionedThroughput:     throughput(t.ProvisionedThroughput),
		DeletionProtectionEnabled: t.DeletionProtection,
		LocalSecondaryIndexes:     indexes(t.LocalSecondaryIndexes),
		GlobalSecondaryIndexes:    indexes(t.GlobalSecondaryIndexes),
	}
	if t.StreamView != "" {
		_, label, _ := strings.Cut(t.StreamARN, "/stream/")
		in.StreamSpecification = &dynamodb.StreamSpecification{
			StreamEnabled:  true,
			StreamViewType: t.StreamView,
			Label:          label,
		}
	}
	for _, a := range t.AttributeDefinitions {
		in.AttributeDefinitions = append(in.AttributeDefinitions, dynamodb.AttributeDefinition{
			AttributeName: a.Name,
			AttributeType: a.Type,
		})
	}
	return in
}

func keySchema(elements []sam.KeyElement) []dynamodb.KeySchemaElement {
	var list []dynamodb.KeySchemaElement
	for _, e := range elements {
		list = append(list, dynamodb.KeySchemaElement{AttributeName: e.Name, KeyType: e.Type})
	}
	return list
}

func indexes(declared []sam.Index) []dynamodb.SecondaryIndex {
	var list []dynamodb.SecondaryIndex
	for _, x := range declared {
		list = append(list, dynamodb.SecondaryIndex{
			IndexName:             &x.Name,
			KeySchema:             keySchema(x.KeySchema),
			ProvisionedThroughput: throughput(x.ProvisionedThroughput),
			Projection: &dynamodb.Projection{
				ProjectionType:   x.ProjectionType,
				NonKeyAttributes: x.NonKeyAttributes,
			},
		})
	}
	return list
}

func throughput(t *sam.Throughput) *dynamodb.ProvisionedThroughput {
	if t == nil {
		return nil
	}
	return &dynamodb.ProvisionedThroughput{ReadCapacityUnits: int64(t.Read), WriteCapacityUnits: int64(t.Write)}
}
