package dynamodb

import (
	"context"

	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

type insightsInput struct {
	TableName                 *string
	IndexName                 *string
	ContributorInsightsAction string
}

type insightsOutput struct {
	TableName                 string
	IndexName                 string `json:",omitempty"`
	ContributorInsightsStatus string
}

// insightsSetting says for which indexes insights are enabled; "" is the table.
// It is stored and reported; no insights are collected.
type insightsSetting map[string]bool

// insightsOf finds the table, and checks the index if the request names one.
func (e *Engine) insightsOf(ctx context.Context, in *insightsInput) (t *store.Table, index string, err error) {
	if t, err = e.findTable(ctx, in.TableName); err != nil || in.IndexName == nil {
		return t, "", err
	}
	_, err = globalIndex(t.Definition(), *in.IndexName)
	return t, *in.IndexName, err
}

func (e *Engine) updateContributorInsights(ctx context.Context, in *insightsInput) (*insightsOutput, error) {
	var c checks
	c.required("contributorInsightsAction", in.ContributorInsightsAction != "")
	c.oneOf("contributorInsightsAction", in.ContributorInsightsAction, "ENABLE", "DISABLE")
	if err := c.err(); err != nil {
		return nil, err
	}
	t, index, err := e.insightsOf(ctx, in)
	if err != nil {
		return nil, err
	}
	on := in.ContributorInsightsAction == "ENABLE"
	err = changeSetting(e, t, settingInsights, func(s *insightsSetting) error {
		if *s == nil {
			*s = make(insightsSetting)
		}
		(*s)[index] = on
		return nil
	})
	out := &insightsOutput{t.Definition().Name, index, "DISABLING"}
	if on {
		out.ContributorInsightsStatus = "ENABLING"
	}
	return out, err
}

func (e *Engine) describeContributorInsights(ctx context.Context, in *insightsInput) (*insightsOutput, error) {
	t, index, err := e.insightsOf(ctx, in)
	if err != nil {
		return nil, err
	}
	s, err := readSetting[insightsSetting](t.Definition(), settingInsights)
	out := &insightsOutput{t.Definition().Name, index, "DISABLED"}
	if s[index] {
		out.ContributorInsightsStatus = "ENABLED"
	}
	return out, err
}
