package expand

import (
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// GlobalTableType is the type of a global table.
const GlobalTableType = "AWS::DynamoDB::GlobalTable"

// GlobalTable replaces AWS::DynamoDB::GlobalTable by a table: the replica in
// the region of the stack. The other replicas are noted.
func GlobalTable(s *resource.Set, res *template.Resource, _ *template.Value) {
	p := res.Properties
	g := globalTable{s: s, res: res, replica: localReplica(s, res)}
	if len(p.Each("Replicas")) > 1 && !p.Has("StreamSpecification") && p.Str("MultiRegionConsistency") != "STRONG" {
		s.Fail(p.Get("Replicas"), "a table with several replicas needs a stream", "add a StreamSpecification")
	}
	fields := template.Pick(p, "TableName", "AttributeDefinitions", "BillingMode", "KeySchema",
		"LocalSecondaryIndexes", "TimeToLiveSpecification", "VectorIndexes")
	fields = append(fields, template.Pick(g.replica, "ContributorInsightsSpecification", "DeletionProtectionEnabled",
		"KinesisStreamSpecification", "PointInTimeRecoverySpecification", "ResourcePolicy", "TableClass", "Tags")...)
	if stream := p.Get("StreamSpecification"); stream.Is(template.Object) {
		parts := append(template.Pick(stream, "StreamViewType"),
			template.Pick(g.replica.Get("ReplicaStreamSpecification"), "ResourcePolicy", "Tags")...)
		fields = append(fields, template.With("StreamSpecification", stream.NewObject(parts...)))
	}
	if sse := p.Get("SSESpecification"); sse.Is(template.Object) {
		parts := append(template.Pick(sse, "SSEEnabled", "SSEType"),
			template.Pick(g.replica.Get("SSESpecification"), "KMSMasterKeyId")...)
		fields = append(fields, template.With("SSESpecification", sse.NewObject(parts...)))
	}
	fields = append(fields, g.capacity(p, g.replica)...)
	if list := p.Each("GlobalSecondaryIndexes"); len(list) > 0 {
		indexes := p.Get("GlobalSecondaryIndexes").NewList()
		for _, ix := range list {
			indexes.Items = append(indexes.Items, g.index(ix))
		}
		fields = append(fields, template.With("GlobalSecondaryIndexes", indexes))
	}
	res.Type = "AWS::DynamoDB::Table"
	res.Properties = p.NewObject(fields...)
}

// localReplica returns the replica in the region of the stack. Without one, it
// is the first: AWS refuses such a table in this region.
func localReplica(s *resource.Set, res *template.Resource) *template.Value {
	replicas := res.Properties.Get("Replicas")
	list := res.Properties.Each("Replicas")
	inRegion := func(r *template.Value) bool { return r.Str("Region") == s.Plan.Region }
	i := slices.IndexFunc(list, inRegion)
	var others []string
	for _, r := range list {
		if region := r.Str("Region"); region != s.Plan.Region && region != "" {
			others = append(others, region)
		}
	}
	switch {
	case len(list) == 0:
		if replicas.Is(template.List) {
			s.Fail(replicas, "the list is empty", "add a replica with Region: !Ref AWS::Region")
		}
		return nil
	case i < 0:
		s.Note(replicas, s.LogicalID(res), res.Type, "no replica is in "+s.Plan.Region+
			", as AWS demands in this region; the table runs with the settings of the first one")
		return list[0]
	case len(others) > 0:
		s.Note(replicas, s.LogicalID(res), res.Type, "only the replica in "+s.Plan.Region+" is run, not those in "+
			strings.Join(others, ", "))
	}
	return list[i]
}

// globalTable is a global table while it is replaced.
type globalTable struct {
	s       *resource.Set
	res     *template.Resource
	replica *template.Value // or nil after a mistake
}

// index returns a global index of the table that replaces the global table.
func (g globalTable) index(ix *template.Value) *template.Value {
	var own *template.Value // what the replica says of the index
	for _, v := range g.replica.Each("GlobalSecondaryIndexes") {
		if v.Str("IndexName") == ix.Str("IndexName") {
			own = v
		}
	}
	fields := template.Pick(ix, "IndexName", "KeySchema", "Projection")
	return ix.NewObject(append(fields, g.capacity(ix, own)...)...)
}

// capacity returns ProvisionedThroughput of a table or index in the billing
// mode PROVISIONED. The writes are those of all replicas, in owner; the reads
// may be those of one replica. A capacity that scales begins at its minimum.
func (g globalTable) capacity(owner, replica *template.Value) []template.Field {
	if g.res.Properties.StrOr("BillingMode", "PROVISIONED") != "PROVISIONED" {
		return nil
	}
	const writes, reads = "WriteProvisionedThroughputSettings", "ReadProvisionedThroughputSettings"
	write := owner.Get(writes).Get("WriteCapacityAutoScalingSettings").Get("MinCapacity")
	read := units(replica.Get(reads))
	if read == nil {
		read = units(owner.Get(reads))
	}
	const remedy = ", or set BillingMode to PAY_PER_REQUEST"
	if write == nil && g.replica != nil && !owner.Has(writes) {
		g.s.Fail(owner, writes+" is missing", "add it"+remedy)
	}
	if read == nil && g.replica != nil && !owner.Has(reads) && !replica.Has(reads) {
		at := replica
		if at == nil {
			at = g.replica
		}
		g.s.Fail(at, reads+" is missing", "add it"+remedy)
	}
	fill := func(v *template.Value) *template.Value { // after a mistake
		if v == nil {
			return owner.Derive(template.Unknown)
		}
		return v
	}
	return []template.Field{template.With("ProvisionedThroughput", owner.NewObject(
		template.With("ReadCapacityUnits", fill(read)), template.With("WriteCapacityUnits", fill(write))))}
}

// units returns the capacity in a ReadProvisionedThroughputSettings, or nil.
func units(settings *template.Value) *template.Value {
	if v := settings.Get("ReadCapacityUnits"); v != nil {
		return v
	}
	return settings.Get("ReadCapacityAutoScalingSettings").Get("MinCapacity")
}
