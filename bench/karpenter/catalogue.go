package main

import (
	"context"
	"slices"

	"github.com/awslabs/operatorpkg/status"
	"github.com/samber/lo"
	corev1 "k8s.io/api/core/v1"

	v1 "sigs.k8s.io/karpenter/pkg/apis/v1"
	"sigs.k8s.io/karpenter/pkg/cloudprovider"
	"sigs.k8s.io/karpenter/pkg/scheduling"
	"sigs.k8s.io/karpenter/pkg/test/v1alpha1"
)

// provider answers Karpenter's questions about instance types; what it is not asked here is not implemented.
type provider struct {
	cloudprovider.CloudProvider
	types map[string][]*cloudprovider.InstanceType
}

func (c *provider) Name() string { return "bench" }
func (c *provider) GetSupportedNodeClasses() []status.Object {
	return []status.Object{&v1alpha1.TestNodeClass{}}
}
func (c *provider) IsDrifted(context.Context, *v1.NodeClaim) (cloudprovider.DriftReason, error) {
	return "", nil
}
func (c *provider) GetInstanceTypes(_ context.Context, pool *v1.NodePool) ([]*cloudprovider.InstanceType, error) {
	return c.types[pool.Name], nil
}

func newProvider(p *Problem) (*provider, map[string]*cloudprovider.InstanceType) {
	all := lo.Map(p.InstanceTypes, func(in InstanceType, _ int) *cloudprovider.InstanceType { return instanceType(in, p.WellKnownLabels) })
	types := map[string][]*cloudprovider.InstanceType{}
	for _, pool := range p.NodePools {
		types[pool.Name] = all
		if names, ok := p.NodePoolTypes[pool.Name]; ok {
			types[pool.Name] = lo.Filter(all, func(it *cloudprovider.InstanceType, _ int) bool { return slices.Contains(names, it.Name) })
		}
	}
	return &provider{types: types}, lo.KeyBy(all, func(it *cloudprovider.InstanceType) string { return it.Name })
}

func instanceType(in InstanceType, wellKnown []string) *cloudprovider.InstanceType {
	if _, ok := in.Capacity[corev1.ResourcePods]; !ok {
		blame("instance type %s: capacity.pods is required", in.Name)
	}
	it := &cloudprovider.InstanceType{Name: in.Name, Capacity: in.Capacity, Overhead: &cloudprovider.InstanceTypeOverhead{KubeReserved: in.Overhead}}
	var zones, capacityTypes []string
	for _, o := range in.Offerings {
		offering := offeringOf(o)
		it.Offerings = append(it.Offerings, offering)
		if offering.Available {
			zones, capacityTypes = append(zones, o.Zone), append(capacityTypes, o.CapacityType)
		}
	}
	it.Requirements = scheduling.NewNodeSelectorRequirements(in.Requirements...)
	it.Requirements.Add(scheduling.NewLabelRequirements(in.Labels).Values()...)
	unlessSaid := func(key string, operator corev1.NodeSelectorOperator, values ...string) {
		if !it.Requirements.Has(key) {
			it.Requirements.Add(scheduling.NewRequirement(key, operator, values...))
		}
	}
	unlessSaid(corev1.LabelInstanceTypeStable, corev1.NodeSelectorOpIn, in.Name)
	unlessSaid(corev1.LabelArchStable, corev1.NodeSelectorOpIn, "amd64")
	unlessSaid(corev1.LabelOSStable, corev1.NodeSelectorOpIn, "linux")
	unlessSaid(corev1.LabelTopologyZone, corev1.NodeSelectorOpIn, zones...)
	unlessSaid(v1.CapacityTypeLabelKey, corev1.NodeSelectorOpIn, capacityTypes...)
	for _, key := range wellKnown {
		unlessSaid(key, corev1.NodeSelectorOpDoesNotExist)
	}
	return it
}

func offeringOf(o Offering) *cloudprovider.Offering {
	requirements := scheduling.NewLabelRequirements(map[string]string{corev1.LabelTopologyZone: o.Zone, v1.CapacityTypeLabelKey: o.CapacityType})
	requirements.Add(scheduling.NewNodeSelectorRequirements(o.Requirements...).Values()...)
	return &cloudprovider.Offering{
		Requirements: requirements, Price: o.Price, Available: lo.FromPtrOr(o.Available, true), ReservationCapacity: o.ReservationCapacity,
	}
}
