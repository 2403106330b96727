package dynamodb

import (
	"context"
	"errors"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

func (e *Engine) createTable(ctx context.Context, in *CreateTableInput) (*tableOutput, error) {
	def, err := e.define(in)
	if err != nil {
		return nil, err
	}
	observationOf(ctx).setResource(def.Name)
	t, err := e.store.Create(def)
	if errors.Is(err, store.ErrTableExists) {
		return nil, clientError("ResourceInUseException", "Table already exists: %s", def.Name)
	}
	if err != nil {
		return nil, err
	}
	e.pending.add(t, "", e.opts.TableDelay)
	description, err := e.describe(t)
	return &tableOutput{description}, err
}

// define validates a declaration and returns its definition.
func (e *Engine) define(in *CreateTableInput) (*store.Definition, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	types, err := newAttributeTypes(in.AttributeDefinitions)
	if err != nil {
		return nil, err
	}
	if len(types) < len(in.KeySchema) && len(in.LocalSecondaryIndexes)+len(in.GlobalSecondaryIndexes) == 0 {
		return nil, invalid("Invalid KeySchema: Some index key attribute have no definition")
	}
	def := &store.Definition{Name: *in.TableName, Created: e.opts.Now()}
	if def.Key, err = types.keySchema(in.KeySchema, 1); err != nil {
		return nil, err
	}
	for _, in := range in.LocalSecondaryIndexes {
		x, err := types.index(in, true, def.Key)
		if err != nil {
			return nil, err
		}
		def.Indexes = append(def.Indexes, x)
	}
	for _, in := range in.GlobalSecondaryIndexes {
		x, err := types.index(in, false, def.Key)
		if err != nil {
			return nil, err
		}
		def.Indexes = append(def.Indexes, x)
	}
	if err := errors.Join(checkIndexes(def.Indexes), types.checkAllUsed(def)); err != nil {
		return nil, err
	}
	def.Stream = e.newStream(def.Name, in.StreamSpecification)
	def.Settings, err = e.settings(in)
	return def, err
}

func (in *CreateTableInput) check() error {
	if in.TableName == nil {
		return noTableName()
	}
	var c checks
	c.name("tableName", in.TableName)
	c.required("attributeDefinitions", in.AttributeDefinitions != nil)
	c.required("keySchema", in.KeySchema != nil)
	if in.KeySchema != nil {
		c.keySchema("keySchema", in.KeySchema, 2)
	}
	c.attributeDefinitions(in.AttributeDefinitions)
	c.oneOf("billingMode", in.BillingMode, billingProvisioned, billingOnDemand)
	c.throughput("provisionedThroughput", in.ProvisionedThroughput)
	c.indexes("localSecondaryIndexes", in.LocalSecondaryIndexes, true)
	c.indexes("globalSecondaryIndexes", in.GlobalSecondaryIndexes, false)
	c.tableClass(in.TableClass)
	c.streamView(in.StreamSpecification)
	c.encryption(in.SSESpecification)
	if err := c.err(); err != nil {
		return err
	}
	switch {
	case in.LocalSecondaryIndexes != nil && len(in.LocalSecondaryIndexes) == 0:
		return invalidParameter("List of LocalSecondaryIndexes is empty")
	case in.GlobalSecondaryIndexes != nil && len(in.GlobalSecondaryIndexes) == 0:
		return invalidParameter("List of GlobalSecondaryIndexes is empty")
	}
	return in.StreamSpecification.check()
}

func (c *checks) tableClass(class string) {
	c.oneOf("tableClass", class, "STANDARD", "STANDARD_INFREQUENT_ACCESS")
}

// settings checks the billing mode and throughput, and collects the settings
// that are only reported.
func (e *Engine) settings(in *CreateTableInput) (store.Settings, error) {
	s := store.Settings{
		TableClass:         in.TableClass,
		DeletionProtection: in.DeletionProtectionEnabled,
		UUID:               awsname.NewRequestID(),
	}
	switch {
	case in.BillingMode == billingOnDemand:
		if in.ProvisionedThroughput != nil {
			return s, invalidParameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		s.OnDemand, s.OnDemandSince = true, e.opts.Now()
	case in.ProvisionedThroughput == nil:
		return s, invalidParameter("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	default:
		s.Read, s.Write = in.ProvisionedThroughput.ReadCapacityUnits, in.ProvisionedThroughput.WriteCapacityUnits
	}
	for _, x := range in.GlobalSecondaryIndexes {
		if err := checkIndexThroughput(s.OnDemand, x); err != nil {
			return s, err
		}
	}
	if err := setEncryption(&s, in.SSESpecification, in.OnDemandThroughput); err != nil {
		return s, err
	}
	var err error
	s.Tags, err = addTags(nil, in.Tags)
	return s, err
}

func checkIndexThroughput(onDemand bool, x SecondaryIndex) error {
	switch {
	case onDemand && x.ProvisionedThroughput != nil:
		return invalidParameter("ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST", *x.IndexName)
	case !onDemand && x.ProvisionedThroughput == nil:
		return invalidParameter("ProvisionedThroughput must be specified for index: %s", *x.IndexName)
	}
	return nil
}
