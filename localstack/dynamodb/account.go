package dynamodb

import "context"

type describeLimitsOutput struct {
	AccountMaxReadCapacityUnits  int64
	AccountMaxWriteCapacityUnits int64
	TableMaxReadCapacityUnits    int64
	TableMaxWriteCapacityUnits   int64
}

// describeLimits returns the default quotas of an AWS account. None is
// enforced.
func (e *Engine) describeLimits(context.Context, *struct{}) (*describeLimitsOutput, error) {
	return &describeLimitsOutput{80_000, 80_000, 40_000, 40_000}, nil
}

// hostKey is the context key of a request's Host header.
type hostKey struct{}

type describeEndpointsOutput struct {
	Endpoints []endpoint
}

type endpoint struct {
	Address              string
	CachePeriodInMinutes int64
}

// describeEndpoints returns the address that the client used for this request.
// SDKs with endpoint discovery send their next requests to the returned
// address.
func (e *Engine) describeEndpoints(ctx context.Context, _ *struct{}) (*describeEndpointsOutput, error) {
	host, _ := ctx.Value(hostKey{}).(string)
	return &describeEndpointsOutput{[]endpoint{{Address: host, CachePeriodInMinutes: 1440}}}, nil
}
