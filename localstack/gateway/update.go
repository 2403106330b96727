package gateway

import "fmt"

// Update replaces the APIs. Open connections stay, by API and stage: their next
// message takes the new routes. Connections whose stage was removed are closed
// with 1001. A message that is being handled ends under the old routes;
// throttles start full. After an error nothing has changed.
func (g *Gateway) Update(apis []API) error {
	commit, err := g.Prepare(apis)
	if err != nil {
		return err
	}
	commit()
	return nil
}

// Prepare checks the APIs as [Gateway.Update] does, but changes nothing until
// commit is called. commit cannot fail; not calling it discards the update.
func (g *Gateway) Prepare(apis []API) (commit func(), err error) {
	all, err := newStages(apis, g.opts.Limits, g.opts.Now())
	if err != nil {
		return nil, fmt.Errorf("update gateway: %w", err)
	}
	return func() { g.serve(all) }, nil
}

// serve replaces the stages and closes the connections whose stage was removed.
func (g *Gateway) serve(all stages) {
	var orphans []*connection
	g.mu.Lock()
	g.serving.Store(&all)
	for c := range g.sockets {
		if !c.rebind(all) {
			orphans = append(orphans, c)
		}
	}
	g.mu.Unlock()
	for _, c := range orphans {
		c.end(goingAway)
	}
}
