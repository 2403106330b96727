package catalog

import (
	"github.com/sotto-chat/sotto/localstack/sam/build"
	"github.com/sotto-chat/sotto/localstack/sam/expand"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/shape"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// SimpleTable becomes a Table.
var dynamoDBTypes = []*resource.Type{
	{
		Name: "AWS::Serverless::SimpleTable",
		Shape: shape.Object(shape.Props{
			"PointInTimeRecoverySpecification": recovery,
			"PrimaryKey": shape.Object(shape.Props{
				"Name": shape.Required(shape.String),
				"Type": shape.Required(shape.Words("String", "Number", "Binary")),
			}),
			"ProvisionedThroughput": capacity,
			"SSESpecification":      encrypted,
			"TableName":             shape.String,
			"Tags":                  shape.StringMap,
		}),
		Expand: expand.SimpleTable,
	},
	{
		Name: "AWS::DynamoDB::Table",
		Shape: shape.Object(shape.Props{
			"AttributeDefinitions":             attributeDefinitions,
			"BillingMode":                      billingMode,
			"ContributorInsightsSpecification": shape.Any,
			"DeletionProtectionEnabled":        shape.Bool,
			"GlobalSecondaryIndexes": shape.List(shape.Object(shape.Props{
				"ContributorInsightsSpecification": shape.Any,
				"IndexName":                        shape.Required(shape.String),
				"KeySchema":                        shape.Required(keySchema),
				"OnDemandThroughput":               shape.Any,
				"Projection":                       shape.Required(projection),
				"ProvisionedThroughput":            capacity,
				"WarmThroughput":                   shape.Any,
			})),
			"ImportSourceSpecification":        shape.Any,
			"KeySchema":                        shape.Required(keySchema),
			"KinesisStreamSpecification":       shape.Any,
			"LocalSecondaryIndexes":            localIndexes,
			"OnDemandThroughput":               shape.Any,
			"PointInTimeRecoverySpecification": recovery,
			"ProvisionedThroughput":            capacity,
			"ResourcePolicy":                   shape.Any,
			"SSESpecification":                 encrypted,
			"StreamSpecification": shape.Object(shape.Props{
				"ResourcePolicy": shape.Any,
				"StreamViewType": shape.Required(streamView),
				"Tags":           shape.TagList,
			}),
			"TableClass":              tableClass,
			"TableName":               shape.String,
			"Tags":                    shape.TagList,
			"TimeToLiveSpecification": timeToLive,
			"VectorIndexes":           shape.Any,
			"WarmThroughput":          shape.Any,
		}),
		Naming:   naming("TableName", 255, `^[a-zA-Z0-9_.-]{3,}$`),
		Identify: identifyTable,
		Build:    build.Tables,
	},
}

var (
	attributeDefinitions = shape.List(shape.Object(shape.Props{
		"AttributeName": shape.Required(shape.String),
		"AttributeType": shape.Required(shape.Words("S", "N", "B")),
	}))
	billingMode  = shape.Words("PAY_PER_REQUEST", "PROVISIONED")
	localIndexes = shape.List(shape.Object(shape.Props{
		"IndexName":  shape.Required(shape.String),
		"KeySchema":  shape.Required(keySchema),
		"Projection": shape.Required(projection),
	}))
	streamView = shape.Words("NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY")
	tableClass = shape.Words("STANDARD", "STANDARD_INFREQUENT_ACCESS")
	timeToLive = shape.Object(shape.Props{
		"AttributeName": shape.String,
		"Enabled":       shape.Required(shape.Bool),
	})
	keySchema = shape.List(shape.Object(shape.Props{
		"AttributeName": shape.Required(shape.String),
		"KeyType":       shape.Required(shape.Words("HASH", "RANGE")),
	}))
	projection = shape.Object(shape.Props{
		"NonKeyAttributes": shape.StringList,
		"ProjectionType":   shape.Words("ALL", "KEYS_ONLY", "INCLUDE"),
	})
	capacity = shape.Object(shape.Props{
		"ReadCapacityUnits":  shape.Required(shape.Between(1, 1<<30)),
		"WriteCapacityUnits": shape.Required(shape.Between(1, 1<<30)),
	})
	encrypted = shape.Object(shape.Props{
		"KMSMasterKeyId": shape.String,
		"SSEEnabled":     shape.Bool,
		"SSEType":        shape.Words("KMS"),
	})
	recovery = shape.Object(shape.Props{
		"PointInTimeRecoveryEnabled": shape.Bool,
		"RecoveryPeriodInDays":       shape.Between(1, 35),
	})
)

func identifyTable(s *resource.Set, res *template.Resource) {
	arn := s.ARN("dynamodb", "table/"+res.Name)
	res.Attributes = map[string]string{"Arn": arn}
	if res.At.Str("Type") == expand.GlobalTableType {
		res.Attributes["TableId"] = s.Eval.Placeholder(res, "TableId")
	}
	if res.Properties.Has("StreamSpecification") {
		res.Attributes["StreamArn"] = arn + "/stream/2026-01-01T00:00:00.000"
		return
	}
	res.Missing = map[string]template.Missing{"StreamArn": {
		Problem: "the table " + res.ID + " has no stream",
		Remedy:  "add a StreamSpecification to it",
	}}
}
