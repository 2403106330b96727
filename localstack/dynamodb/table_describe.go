package dynamodb

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

const (
	statusActive   = "ACTIVE"
	statusCreating = "CREATING"
	statusUpdating = "UPDATING"
	statusDeleting = "DELETING"
)

type tableNameInput struct {
	TableName *string
}

// named finds the table that a table operation is about.
func (e *Engine) named(ctx context.Context, in *string) (*store.Table, error) {
	if in == nil {
		return nil, noTableName()
	}
	var c checks
	name := c.table("tableName", in)
	if err := c.err(); err != nil {
		return nil, err
	}
	observationOf(ctx).names(name)
	t, err := e.store.Table(name)
	if errors.Is(err, store.ErrNoTable) {
		return nil, noSuchTable(name)
	}
	return t, err
}

// noTableName is how operations on tables, unlike those on items, miss a name.
func noTableName() error {
	return invalid("The parameter 'TableName' is required but was not present in the request")
}

type describeTableOutput struct {
	Table tableDescription
}

func (e *Engine) describeTable(ctx context.Context, in *tableNameInput) (*describeTableOutput, error) {
	t, err := e.named(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	description, err := e.describe(t)
	return &describeTableOutput{description}, err
}

func (e *Engine) describe(t *store.Table) (tableDescription, error) {
	def := t.Definition()
	totals, err := e.store.Totals(t, nil)
	if err != nil {
		return tableDescription{}, err
	}
	set := def.Settings
	out := tableDescription{
		TableName:                 def.Name,
		TableStatus:               statusActive,
		AttributeDefinitions:      keyAttributes(def),
		KeySchema:                 keyElements(def.Key),
		CreationDateTime:          epoch(def.Created),
		ProvisionedThroughput:     throughputDescription{ReadCapacityUnits: set.Read, WriteCapacityUnits: set.Write},
		WarmThroughput:            warm(set.OnDemand, set.Read, set.Write),
		TableSizeBytes:            totals.Bytes,
		ItemCount:                 totals.Items,
		TableArn:                  e.tableARN(def.Name),
		TableID:                   set.UUID,
		DeletionProtectionEnabled: set.DeletionProtection,
	}
	if !set.OnDemandSince.IsZero() {
		out.BillingModeSummary = &billingModeSummary{billingProvisioned, epoch(set.OnDemandSince)}
		if set.OnDemand {
			out.BillingModeSummary.BillingMode = billingOnDemand
		}
	}
	out.describeStream(e, def)
	if err := out.describeEncryption(e, def); err != nil {
		return tableDescription{}, err
	}
	if set.TableClass != "" {
		out.TableClassSummary = &tableClassSummary{set.TableClass}
	}
	for _, x := range def.Indexes {
		description, err := e.describeIndex(t, x)
		if err != nil {
			return tableDescription{}, err
		}
		if x.Local {
			out.LocalSecondaryIndexes = append(out.LocalSecondaryIndexes, description)
			continue
		}
		out.GlobalSecondaryIndexes = append(out.GlobalSecondaryIndexes, description)
		if x.Filling {
			out.TableStatus = statusUpdating
		}
	}
	return out, nil
}

func (e *Engine) describeIndex(t *store.Table, x *store.Index) (indexDescription, error) {
	totals, err := e.store.Totals(t, x)
	if err != nil {
		return indexDescription{}, err
	}
	out := indexDescription{
		IndexName:      x.Name,
		KeySchema:      keyElements(x.Key),
		Projection:     Projection{ProjectionType: x.Projection, NonKeyAttributes: x.Include},
		IndexSizeBytes: totals.Bytes,
		ItemCount:      totals.Items,
		IndexArn:       e.tableARN(t.Definition().Name) + "/index/" + x.Name,
	}
	if !x.Local {
		out.IndexStatus = statusActive
		out.ProvisionedThroughput = &throughputDescription{ReadCapacityUnits: x.Read, WriteCapacityUnits: x.Write}
		out.WarmThroughput = warm(t.Definition().Settings.OnDemand, x.Read, x.Write)
		if x.Filling {
			out.IndexStatus, out.Backfilling = statusCreating, true
		}
	}
	return out, nil
}

// warm is the throughput of a new table: what it is provisioned with or, on
// demand, what AWS starts with ("DynamoDB warm throughput").
func warm(onDemand bool, read, write int64) *warmThroughput {
	if onDemand {
		read, write = 12_000, 4_000
	}
	return &warmThroughput{read, write, statusActive}
}

// epoch is a time on the wire: seconds, with milliseconds as the fraction.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (e *Engine) deleteTable(ctx context.Context, in *tableNameInput) (*tableOutput, error) {
	t, err := e.named(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	name := t.Definition().Name
	def, err := e.store.Drop(name, func(def *store.Definition) error {
		if def.Settings.DeletionProtection {
			return invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
		}
		return nil
	})
	if errors.Is(err, store.ErrNoTable) {
		return nil, noSuchTable(name)
	}
	if err != nil {
		return nil, err
	}
	return &tableOutput{tableDescription{
		TableName:   def.Name,
		TableStatus: statusDeleting,
		ProvisionedThroughput: throughputDescription{
			ReadCapacityUnits:  def.Settings.Read,
			WriteCapacityUnits: def.Settings.Write,
		},
		TableArn: e.tableARN(def.Name),
		TableID:  def.Settings.UUID,
	}}, nil
}

type listTablesInput struct {
	ExclusiveStartTableName *string
	Limit                   *int64
}

type listTablesOutput struct {
	TableNames             []string
	LastEvaluatedTableName string `json:",omitempty"`
}

func (e *Engine) listTables(_ context.Context, in *listTablesInput) (*listTablesOutput, error) {
	const most = 100
	var c checks
	c.value("limit", in.Limit, 1, most)
	c.length("exclusiveStartTableName", in.ExclusiveStartTableName, 3, 255)
	if err := c.err(); err != nil {
		return nil, err
	}
	names := e.store.Names()
	if in.ExclusiveStartTableName != nil {
		i, found := slices.BinarySearch(names, *in.ExclusiveStartTableName)
		if found {
			i++
		}
		names = names[i:]
	}
	limit := most
	if in.Limit != nil {
		limit = int(*in.Limit)
	}
	if len(names) > limit {
		return &listTablesOutput{names[:limit], names[limit-1]}, nil
	}
	return &listTablesOutput{TableNames: names}, nil
}
