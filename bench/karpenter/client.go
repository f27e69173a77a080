package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// indexed answers the two hot reads, pods and nodes, from maps as the informer cache does in production. controller-runtime's
// fake client marshals every object anew for each List, which would swamp what is measured.
type indexed struct {
	client.Client
	byNode map[string][]*corev1.Pod
	all    []*corev1.Pod
	nodes  map[string]*corev1.Node
}

func (c *indexed) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	pods, ok := list.(*corev1.PodList)
	if !ok {
		return c.Client.List(ctx, list, opts...)
	}
	options := client.ListOptions{}
	options.ApplyOptions(opts)
	source := c.all
	if options.FieldSelector != nil {
		if node, found := options.FieldSelector.RequiresExactMatch("spec.nodeName"); found {
			source = c.byNode[node]
		}
	}
	pods.Items = nil
	for _, pod := range source {
		if options.Namespace != "" && pod.Namespace != options.Namespace {
			continue
		}
		if options.LabelSelector == nil || options.LabelSelector.Matches(labels(pod.Labels)) {
			pods.Items = append(pods.Items, *pod.DeepCopy())
		}
	}
	return nil
}

func (c *indexed) Get(ctx context.Context, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
	if node, ok := object.(*corev1.Node); ok && c.nodes[key.Name] != nil {
		c.nodes[key.Name].DeepCopyInto(node)
		return nil
	}
	if _, ok := object.(*corev1.PersistentVolume); ok {
		key.Namespace = "" // Karpenter names one, and caches drop it, as kinds of the whole cluster have none; the fake client would not find it
	}
	return c.Client.Get(ctx, key, object, opts...)
}

type labels map[string]string

func (l labels) Has(key string) bool              { _, ok := l[key]; return ok }
func (l labels) Get(key string) string            { return l[key] }
func (l labels) Lookup(key string) (string, bool) { value, ok := l[key]; return value, ok }
