package dynamodb

import (
	"context"
	"errors"
	"slices"

	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

type updateTableInput struct {
	TableName                   *string
	AttributeDefinitions        []AttributeDefinition
	BillingMode                 string
	ProvisionedThroughput       *ProvisionedThroughput
	GlobalSecondaryIndexUpdates []indexUpdate
	TableClass                  string
	DeletionProtectionEnabled   *bool
	StreamSpecification         *StreamSpecification
	SSESpecification            *SSESpecification
	OnDemandThroughput          *OnDemandThroughput
}

type indexUpdate struct {
	Create *SecondaryIndex
	Update *struct {
		IndexName             *string
		ProvisionedThroughput *ProvisionedThroughput
	}
	Delete *struct {
		IndexName *string
	}
}

func (in *updateTableInput) check() error {
	var c checks
	c.attributeDefinitions(in.AttributeDefinitions)
	c.oneOf("billingMode", in.BillingMode, billingProvisioned, billingOnDemand)
	c.throughput("provisionedThroughput", in.ProvisionedThroughput)
	c.tableClass(in.TableClass)
	c.streamView(in.StreamSpecification)
	c.encryption(in.SSESpecification)
	for _, u := range in.GlobalSecondaryIndexUpdates {
		const at = "globalSecondaryIndexUpdates."
		if u.Create != nil {
			c.indexes(at+"create", []SecondaryIndex{*u.Create}, false)
		}
		if u.Update != nil {
			c.name(at+"update.indexName", u.Update.IndexName)
			c.throughput(at+"update.provisionedThroughput", u.Update.ProvisionedThroughput)
		}
		if u.Delete != nil {
			c.name(at+"delete.indexName", u.Delete.IndexName)
		}
	}
	if err := c.err(); err != nil {
		return err
	}
	if in.BillingMode == "" && in.ProvisionedThroughput == nil && len(in.GlobalSecondaryIndexUpdates) == 0 &&
		in.TableClass == "" && in.DeletionProtectionEnabled == nil && in.StreamSpecification == nil &&
		in.SSESpecification == nil && in.OnDemandThroughput == nil {
		return invalidParameter("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	}
	if err := in.checkIndexUpdates(); err != nil {
		return err
	}
	return in.StreamSpecification.check()
}

// checkIndexUpdates checks that each element has one action, and each index one
// element.
func (in *updateTableInput) checkIndexUpdates() error {
	seen := make(map[string]bool)
	for _, u := range in.GlobalSecondaryIndexUpdates {
		var names []string
		if u.Create != nil {
			names = append(names, *u.Create.IndexName)
		}
		if u.Update != nil {
			names = append(names, *u.Update.IndexName)
		}
		if u.Delete != nil {
			names = append(names, *u.Delete.IndexName)
		}
		switch {
		case len(names) == 0:
			return invalidParameter("One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null")
		case len(names) > 1:
			return invalidParameter("Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object")
		case seen[names[0]]:
			return invalidParameter("Only one global secondary index update per index is allowed simultaneously. Index: %s",
				names[0])
		}
		seen[names[0]] = true
	}
	return nil
}

func (e *Engine) updateTable(ctx context.Context, in *updateTableInput) (*tableOutput, error) {
	t, err := e.findTable(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if err := e.checkCreated(t); err != nil {
		return nil, err
	}
	busy := e.pending.hasIndex(t)
	if busy && len(in.GlobalSecondaryIndexUpdates) == 0 {
		return nil, inUse("updated", t)
	}
	var dropped []string
	def, err := e.store.Alter(t, func(def *store.Definition) error {
		if err := in.updateSettings(e, &def.Settings); err != nil {
			return err
		}
		if err := e.updateStream(def, in.StreamSpecification); err != nil {
			return err
		}
		dropped, err = in.updateIndexes(def, busy)
		return err
	})
	if errors.Is(err, store.ErrNoTable) {
		return nil, noSuchTable(*in.TableName)
	}
	if err != nil {
		return nil, err
	}
	for _, u := range in.GlobalSecondaryIndexUpdates {
		if u.Create != nil {
			e.pending.add(t, *u.Create.IndexName, e.opts.TableDelay)
		}
	}
	description, err := e.describe(t)
	description.TableStatus = statusUpdating
	for _, name := range dropped {
		description.GlobalSecondaryIndexes = append(description.GlobalSecondaryIndexes, indexDescription{
			IndexName:   name,
			IndexStatus: statusDeleting,
			IndexArn:    e.tableARN(def.Name) + "/index/" + name,
		})
	}
	return &tableOutput{description}, err
}

// updateSettings applies the changes that do not affect items and indexes.
func (in *updateTableInput) updateSettings(e *Engine, s *store.Settings) error {
	switch {
	case in.BillingMode == billingOnDemand:
		if in.ProvisionedThroughput != nil {
			return invalidParameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		if !s.OnDemand {
			s.OnDemand, s.OnDemandSince = true, e.opts.Now()
		}
		s.Read, s.Write = 0, 0
	case in.BillingMode == billingProvisioned && in.ProvisionedThroughput == nil:
		return invalidParameter("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
	case in.ProvisionedThroughput != nil:
		if s.OnDemand && in.BillingMode == "" {
			return invalidParameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		if !s.OnDemand {
			if err := checkThroughputChanges("the table", s.Read, s.Write, in.ProvisionedThroughput); err != nil {
				return err
			}
		}
		s.OnDemand = false
		s.Read, s.Write = in.ProvisionedThroughput.ReadCapacityUnits, in.ProvisionedThroughput.WriteCapacityUnits
	}
	if in.TableClass != "" {
		s.TableClass = in.TableClass
	}
	if in.DeletionProtectionEnabled != nil {
		s.DeletionProtection = *in.DeletionProtectionEnabled
	}
	return setEncryption(s, in.SSESpecification, in.OnDemandThroughput)
}

// checkThroughputChanges refuses a provisioned throughput that equals the
// current one.
func checkThroughputChanges(what string, read, write int64, want *ProvisionedThroughput) error {
	if read != want.ReadCapacityUnits || write != want.WriteCapacityUnits {
		return nil
	}
	return invalid("The provisioned throughput for %s will not change. The requested value equals the current value. "+
		"Current ReadCapacityUnits provisioned for the table: %d. Requested ReadCapacityUnits: %d. "+
		"Current WriteCapacityUnits provisioned for the table: %d. Requested WriteCapacityUnits: %d. "+
		"Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
		what, read, want.ReadCapacityUnits, write, want.WriteCapacityUnits)
}

// updateIndexes applies the changes of global secondary indexes. Like AWS, it
// allows one creation or deletion at a time. busy says that an index is being
// created.
func (in *updateTableInput) updateIndexes(def *store.Definition, busy bool) (dropped []string, err error) {
	shape := 0
	for _, u := range in.GlobalSecondaryIndexUpdates {
		switch {
		case u.Create != nil:
			shape++
			err = in.createIndex(def, *u.Create)
		case u.Delete != nil:
			shape++
			var x *store.Index
			if x, err = globalIndex(def, *u.Delete.IndexName); err == nil {
				dropped = append(dropped, x.Name)
				def.Indexes = slices.DeleteFunc(def.Indexes, func(y *store.Index) bool { return x == y })
			}
		case u.Update != nil:
			var x *store.Index
			if x, err = globalIndex(def, *u.Update.IndexName); err == nil && u.Update.ProvisionedThroughput != nil {
				err = checkThroughputChanges("the index "+x.Name, x.Read, x.Write, u.Update.ProvisionedThroughput)
				x.Read = u.Update.ProvisionedThroughput.ReadCapacityUnits
				x.Write = u.Update.ProvisionedThroughput.WriteCapacityUnits
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if shape > 1 || shape == 1 && (busy || def.Filling()) && len(dropped) == 0 {
		return nil, clientError("LimitExceededException",
			"Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
	}
	return dropped, nil
}

func globalIndex(def *store.Definition, name string) (*store.Index, error) {
	x := def.Index(name)
	if x == nil || x.Local {
		return nil, clientError("ResourceNotFoundException", "Requested resource not found")
	}
	return x, nil
}

func (in *updateTableInput) createIndex(def *store.Definition, want SecondaryIndex) error {
	if def.Index(*want.IndexName) != nil {
		return invalid("Attempting to create an index which already exists")
	}
	if len(in.AttributeDefinitions) == 0 {
		return invalidParameter("AttributeDefinitions is not specified for index: %s", *want.IndexName)
	}
	if err := checkIndexThroughput(def.Settings.OnDemand, want); err != nil {
		return err
	}
	types, err := in.keyTypes(def)
	if err != nil {
		return err
	}
	x, err := types.index(want, false, def.Key)
	if err != nil {
		return err
	}
	def.Indexes = append(def.Indexes, x)
	return checkIndexes(def.Indexes)
}

// keyTypes returns the types for the key of a new index. The request must
// define each of its attributes, also one that the table knows; then the
// table's type holds. Other definitions of the request have no effect.
func (in *updateTableInput) keyTypes(def *store.Definition) (attributeTypes, error) {
	types, err := newAttributeTypes(in.AttributeDefinitions)
	if err != nil {
		return nil, err
	}
	for _, a := range keyAttributes(def) {
		if _, ok := types[a.AttributeName]; ok {
			types[a.AttributeName] = a.AttributeType
		}
	}
	return types, nil
}
