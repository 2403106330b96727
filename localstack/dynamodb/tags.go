package dynamodb

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// maxTags bounds the tags of a resource.
const maxTags = 50

// addTags returns the union of tags and added; a key in both gets the new
// value.
func addTags(tags map[string]string, added []Tag) (map[string]string, error) {
	if len(added) == 0 {
		return tags, nil
	}
	out := make(map[string]string, len(tags)+len(added))
	maps.Copy(out, tags)
	for _, t := range added {
		if n := len(t.Key); n < 1 || n > 128 || len(t.Value) > 256 {
			return nil, invalidParameter("A tag's key has 1 to 128 characters and its value at most 256: %s", t.Key)
		}
		out[t.Key] = t.Value
	}
	if len(out) > maxTags {
		return nil, invalidParameter("The number of tags exceeds the limit of %d", maxTags)
	}
	return out, nil
}

type resourceInput struct {
	ResourceArn *string
	Tags        []Tag
	TagKeys     []string
}

type emptyOutput struct{}

// resource returns the table that an ARN names.
func (e *Engine) resource(ctx context.Context, arn *string) (*store.Table, error) {
	var c checks
	c.required("resourceArn", arn != nil)
	if err := c.err(); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(*arn, "arn:") {
		return nil, invalid("Invalid TableArn: Invalid ResourceArn provided as input %s", *arn)
	}
	if !strings.HasPrefix(*arn, e.tableARN("")) {
		return nil, e.accessDenied(ctx, *arn)
	}
	_, name, _ := strings.Cut(*arn, ":table/")
	observationOf(ctx).setResource(name)
	t, err := e.store.Table(name)
	if errors.Is(err, store.ErrNoTable) {
		return nil, clientError("ResourceNotFoundException",
			"Requested resource not found: ResourceArn: %s not found", *arn)
	}
	return t, err
}

// accessDenied returns IAM's error for a resource of another account or region.
func (e *Engine) accessDenied(ctx context.Context, arn string) error {
	root := awsname.PartitionARN(awsname.Partition(e.opts.Region), "iam", "", e.opts.Account, "root")
	return serviceError("AccessDeniedException", "User: %s is not authorized to perform: dynamodb:%s on resource: %s",
		root, observationOf(ctx).operation, arn)
}

// changeTags replaces the tags of a table by the result of change.
func (e *Engine) changeTags(ctx context.Context, arn *string,
	change func(map[string]string) (map[string]string, error)) (*emptyOutput, error) {
	t, err := e.resource(ctx, arn)
	if err != nil {
		return nil, err
	}
	if err := e.checkCreated(t); err != nil {
		return nil, err
	}
	_, err = e.store.Alter(t, func(def *store.Definition) error {
		def.Settings.Tags, err = change(def.Settings.Tags)
		return err
	})
	return &emptyOutput{}, err
}

func (e *Engine) tagResource(ctx context.Context, in *resourceInput) (*emptyOutput, error) {
	if len(in.Tags) == 0 {
		return nil, invalid("Atleast one Tag needs to be provided as Input.") // DynamoDB's spelling
	}
	return e.changeTags(ctx, in.ResourceArn, func(tags map[string]string) (map[string]string, error) {
		return addTags(tags, in.Tags)
	})
}

func (e *Engine) untagResource(ctx context.Context, in *resourceInput) (*emptyOutput, error) {
	if len(in.TagKeys) == 0 {
		return nil, invalid("Atleast one Tag Key needs to be provided as Input.")
	}
	return e.changeTags(ctx, in.ResourceArn, func(tags map[string]string) (map[string]string, error) {
		kept := maps.Clone(tags)
		for _, key := range in.TagKeys {
			delete(kept, key)
		}
		return kept, nil
	})
}

type listTagsOutput struct {
	Tags []Tag
}

func (e *Engine) listTagsOfResource(ctx context.Context, in *resourceInput) (*listTagsOutput, error) {
	t, err := e.resource(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	tags := t.Definition().Settings.Tags
	out := new(listTagsOutput)
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out.Tags = append(out.Tags, Tag{Key: key, Value: tags[key]})
	}
	return out, nil
}
