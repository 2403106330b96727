package dynamodb

import "context"

type describeLimitsOutput struct {
	AccountMaxReadCapacityUnits  int64
	AccountMaxWriteCapacityUnits int64
	TableMaxReadCapacityUnits    int64
	TableMaxWriteCapacityUnits   int64
}

// describeLimits answers an AWS account's default quotas; none is enforced.
func (e *Engine) describeLimits(context.Context, *struct{}) (*describeLimitsOutput, error) {
	return &describeLimitsOutput{80_000, 80_000, 40_000, 40_000}, nil
}

// hostKey is the context key of the host that a request was addressed to.
type hostKey struct{}

type describeEndpointsOutput struct {
	Endpoints []endpoint
}

type endpoint struct {
	Address              string
	CachePeriodInMinutes int64
}

// describeEndpoints names the address that the client used already: SDKs with
// endpoint discovery go on to talk to what is named here.
func (e *Engine) describeEndpoints(ctx context.Context, _ *struct{}) (*describeEndpointsOutput, error) {
	host, _ := ctx.Value(hostKey{}).(string)
	return &describeEndpointsOutput{[]endpoint{{Address: host, CachePeriodInMinutes: 1440}}}, nil
}
