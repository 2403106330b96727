package catalog

import (
	"github.com/sotto-chat/sotto/localstack/sam/expand"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/shape"
)

// A global table becomes a Table: its replica in the region of the stack.
var globalTableTypes = []*resource.Type{{
	Name: expand.GlobalTableType,
	Shape: shape.Object(shape.Props{
		"AttributeDefinitions": attributeDefinitions,
		"BillingMode":          billingMode,
		"GlobalSecondaryIndexes": shape.List(shape.Object(shape.Props{
			"IndexName":                          shape.Required(shape.String),
			"KeySchema":                          shape.Required(keySchema),
			"Projection":                         shape.Required(projection),
			"ReadOnDemandThroughputSettings":     shape.Any,
			"ReadProvisionedThroughputSettings":  readCapacity,
			"WarmThroughput":                     shape.Any,
			"WriteOnDemandThroughputSettings":    shape.Any,
			"WriteProvisionedThroughputSettings": writeCapacity,
		})),
		"GlobalTableWitnesses":              shape.Any,
		"KeySchema":                         shape.Required(keySchema),
		"LocalSecondaryIndexes":             localIndexes,
		"MultiRegionConsistency":            shape.Words("EVENTUAL", "STRONG"),
		"ReadOnDemandThroughputSettings":    shape.Any,
		"ReadProvisionedThroughputSettings": readCapacity,
		"Replicas":                          shape.Required(shape.List(replica)),
		"SSESpecification": shape.Object(shape.Props{
			"SSEEnabled": shape.Required(shape.Bool),
			"SSEType":    shape.Words("KMS"),
		}),
		"StreamSpecification":                shape.Object(shape.Props{"StreamViewType": shape.Required(streamView)}),
		"TableName":                          shape.String,
		"TableType":                          shape.Words("GlobalTableReplica", "Regional"),
		"TimeToLiveSpecification":            timeToLive,
		"VectorIndexes":                      shape.Any,
		"WarmThroughput":                     shape.Any,
		"WriteOnDemandThroughputSettings":    shape.Any,
		"WriteProvisionedThroughputSettings": writeCapacity,
	}),
	Expand: expand.GlobalTable,
}}

var (
	replica = shape.Object(shape.Props{
		"ContributorInsightsSpecification": shape.Any,
		"DeletionProtectionEnabled":        shape.Bool,
		"DisassociationProtectionEnabled":  shape.Bool,
		"GlobalSecondaryIndexes": shape.List(shape.Object(shape.Props{
			"ContributorInsightsSpecification":  shape.Any,
			"IndexName":                         shape.Required(shape.String),
			"ReadOnDemandThroughputSettings":    shape.Any,
			"ReadProvisionedThroughputSettings": readCapacity,
		})),
		"GlobalTableSettingsReplicationMode": shape.Words("ENABLED", "DISABLED", "ENABLED_WITH_OVERRIDES"),
		"KinesisStreamSpecification":         shape.Any,
		"PointInTimeRecoverySpecification":   recovery,
		"ReadOnDemandThroughputSettings":     shape.Any,
		"ReadProvisionedThroughputSettings":  readCapacity,
		"Region":                             shape.Required(shape.String),
		"ReplicaStreamSpecification": shape.Object(shape.Props{
			"ResourcePolicy": shape.Any,
			"Tags":           shape.TagList,
		}),
		"ResourcePolicy":   shape.Any,
		"SSESpecification": shape.Object(shape.Props{"KMSMasterKeyId": shape.Required(shape.String)}),
		"TableClass":       tableClass,
		"Tags":             shape.TagList,
	})
	units       = shape.Between(1, 1<<30)
	autoScaling = shape.Object(shape.Props{
		"MaxCapacity":  shape.Required(units),
		"MinCapacity":  shape.Required(units),
		"SeedCapacity": units,
		"TargetTrackingScalingPolicyConfiguration": shape.Any,
	})
	readCapacity = shape.Object(shape.Props{
		"ReadCapacityAutoScalingSettings": autoScaling,
		"ReadCapacityUnits":               units,
	})
	writeCapacity = shape.Object(shape.Props{"WriteCapacityAutoScalingSettings": autoScaling})
)
