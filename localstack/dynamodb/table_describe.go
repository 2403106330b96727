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

// findTable finds the table of an operation on tables. Its error names the
// table; see findItemTable.
func (e *Engine) findTable(ctx context.Context, in *string) (*store.Table, error) {
	if in == nil {
		return nil, noTableName()
	}
	var c checks
	name := c.table("tableName", in)
	if err := c.err(); err != nil {
		return nil, err
	}
	observationOf(ctx).setResource(name)
	t, err := e.store.Table(name)
	if errors.Is(err, store.ErrNoTable) {
		return nil, noSuchTable(name)
	}
	return t, err
}

// noTableName returns the error of operations on tables for a missing name.
// Operations on items have another text.
func noTableName() error {
	return invalid("The parameter 'TableName' is required but was not present in the request")
}

type describeTableOutput struct {
	Table tableDescription
}

func (e *Engine) describeTable(ctx context.Context, in *tableNameInput) (*describeTableOutput, error) {
	t, err := e.findTable(ctx, in.TableName)
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
		AttributeDefinitions:      keyAttributes(def),
		KeySchema:                 keyElements(def.Key),
		CreationDateTime:          unixSeconds(def.Created),
		ProvisionedThroughput:     throughputDescription{ReadCapacityUnits: set.Read, WriteCapacityUnits: set.Write},
		WarmThroughput:            newWarmThroughput(set.OnDemand, set.Read, set.Write),
		TableSizeBytes:            totals.Bytes,
		ItemCount:                 totals.Items,
		TableArn:                  e.tableARN(def.Name),
		TableID:                   set.UUID,
		DeletionProtectionEnabled: set.DeletionProtection,
	}
	if !set.OnDemandSince.IsZero() {
		out.BillingModeSummary = &billingModeSummary{billingProvisioned, unixSeconds(set.OnDemandSince)}
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
	}
	out.TableStatus = e.tableStatus(t, def)
	return out, nil
}

// tableStatus returns the TableStatus of a table with the definition def.
func (e *Engine) tableStatus(t *store.Table, def *store.Definition) string {
	filling := func(x *store.Index) bool { return !x.Local && x.Filling }
	switch {
	case e.pending.has(t, ""):
		return statusCreating
	case e.pending.hasIndex(t) || slices.ContainsFunc(def.Indexes, filling):
		return statusUpdating
	}
	return statusActive
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
		out.WarmThroughput = newWarmThroughput(t.Definition().Settings.OnDemand, x.Read, x.Write)
		switch {
		case e.pending.has(t, ""):
			out.IndexStatus = statusCreating
		case x.Filling || e.pending.has(t, x.Name):
			out.IndexStatus, out.Backfilling = statusCreating, true
		}
	}
	return out, nil
}

// newWarmThroughput returns the warm throughput of a new table: the provisioned
// one or, on demand, AWS's initial one ("DynamoDB warm throughput" in the
// Developer Guide).
func newWarmThroughput(onDemand bool, read, write int64) *warmThroughput {
	if onDemand {
		read, write = 12_000, 4_000
	}
	return &warmThroughput{read, write, statusActive}
}

// unixSeconds returns a time as it is on the wire: Unix seconds with
// milliseconds as the fraction.
func unixSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (e *Engine) deleteTable(ctx context.Context, in *tableNameInput) (*tableOutput, error) {
	t, err := e.findTable(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	if err := e.checkActive(t); err != nil {
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
