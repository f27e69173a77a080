package main

import (
	"context"

	"github.com/samber/lo"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/log"

	v1 "sigs.k8s.io/karpenter/pkg/apis/v1"
	"sigs.k8s.io/karpenter/pkg/cloudprovider"
	"sigs.k8s.io/karpenter/pkg/controllers/provisioning"
	"sigs.k8s.io/karpenter/pkg/controllers/provisioning/scheduling"
	"sigs.k8s.io/karpenter/pkg/controllers/state"
	"sigs.k8s.io/karpenter/pkg/events"
	"sigs.k8s.io/karpenter/pkg/operator/injection"
	"sigs.k8s.io/karpenter/pkg/operator/logging"
	"sigs.k8s.io/karpenter/pkg/operator/options"
)

// coreWellKnown are the labels Karpenter knows before any problem adds its own.
var coreWellKnown = v1.WellKnownLabels.Union(nil)

// world is a cluster that holds a problem, as Karpenter's controllers see it.
type world struct {
	ctx         context.Context
	client      client.Client
	cluster     *state.Cluster
	provisioner *provisioning.Provisioner
	provider    *provider
	clock       clock.Clock
	recorder    events.Recorder
	pending     []*corev1.Pod
	options     []scheduling.Options
}

func newWorld(p *Problem) *world {
	log.SetLogger(logging.NopLogger)
	v1.WellKnownLabels = coreWellKnown.Union(sets.New(p.WellKnownLabels...))
	if cloudprovider.ReservationIDLabel = p.ReservationIDLabel; p.ReservationIDLabel != "" {
		v1.WellKnownLabels.Insert(p.ReservationIDLabel)
	}
	ctx, opts := optionsOf(p.Options)
	provider, byName := newProvider(p)
	w := &world{ctx: ctx, provider: provider, clock: clock.RealClock{}, recorder: events.NewRecorder(&record.FakeRecorder{}), options: opts}
	objects := poolObjects(p)
	for _, daemonSet := range p.DaemonSets {
		daemonSet.Namespace = lo.CoalesceOrEmpty(daemonSet.Namespace, "default")
		objects = append(objects, daemonSet)
	}
	for _, raw := range p.Objects {
		object, _, err := scheme.Codecs.UniversalDeserializer().Decode(raw, nil, nil)
		if err != nil {
			blame("objects: %v", err)
		}
		objects = append(objects, object.(client.Object))
	}
	index := &indexed{byNode: map[string][]*corev1.Pod{}, nodes: map[string]*corev1.Node{}}
	index.Client = fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(objects...).Build()
	w.client = index
	w.pending = w.addPods(p, index)
	claims := completeNodes(p, byName)
	for _, node := range p.Nodes {
		index.nodes[node.Name] = node
	}
	w.cluster = state.NewCluster(w.clock, index, provider)
	for _, claim := range claims {
		w.cluster.UpdateNodeClaim(claim)
	}
	for _, node := range p.Nodes {
		lo.Must0(w.cluster.UpdateNode(ctx, node)) // counts the pods bound to it, too
	}
	for _, pod := range p.Pods {
		if index.nodes[pod.Spec.NodeName] != nil {
			lo.Must0(w.cluster.UpdatePod(ctx, pod)) // for the index of anti-affinity
		}
	}
	w.provisioner = provisioning.NewProvisioner(index, w.recorder, provider, w.cluster, w.clock, nil, nil)
	return w
}

// optionsOf are those of Karpenter's Provisioner.Schedule.
func optionsOf(o Options) (context.Context, []scheduling.Options) {
	workers := max(1, o.Concurrency)
	preferences := options.PreferencePolicy(lo.CoalesceOrEmpty(o.PreferencePolicy, string(options.PreferencePolicyRespect)))
	minValues := options.MinValuesPolicy(lo.CoalesceOrEmpty(o.MinValuesPolicy, string(options.MinValuesPolicyStrict)))
	ctx := options.ToContext(injection.WithControllerName(context.Background(), "provisioner"), &options.Options{
		CPURequests: int64(workers) * 1000, IgnoreDRARequests: true, PreferencePolicy: preferences, MinValuesPolicy: minValues,
		FeatureGates: options.FeatureGates{ReservedCapacity: true, SpotToSpotConsolidation: o.SpotToSpot},
	})
	out := []scheduling.Options{
		scheduling.DisableReservedCapacityFallback, scheduling.NumConcurrentReconciles(workers), scheduling.MinValuesPolicy(minValues),
	}
	if preferences == options.PreferencePolicyIgnore {
		out = append(out, scheduling.IgnorePreferences)
	}
	return ctx, out
}

// poolObjects makes every NodePool ready; disruption is unlimited and at once where nothing is said.
func poolObjects(p *Problem) (out []client.Object) {
	for _, pool := range p.NodePools {
		pool.Spec.Template.Spec.NodeClassRef = &v1.NodeClassReference{Group: "karpenter.test.sh", Kind: "TestNodeClass", Name: "default"}
		if pool.Spec.Disruption.ConsolidateAfter.Duration == nil {
			pool.Spec.Disruption.ConsolidateAfter = v1.MustParseNillableDuration("0s")
		}
		pool.Spec.Disruption.ConsolidationPolicy = lo.CoalesceOrEmpty(pool.Spec.Disruption.ConsolidationPolicy, v1.ConsolidationPolicyWhenEmptyOrUnderutilized)
		pool.UID = lo.CoalesceOrEmpty(pool.UID, types.UID(pool.Name))
		for _, condition := range []string{v1.ConditionTypeValidationSucceeded, v1.ConditionTypeNodeClassReady} {
			pool.StatusConditions().SetTrue(condition)
		}
		out = append(out, pool)
	}
	return out
}

func (w *world) addPods(p *Problem, index *indexed) (pending []*corev1.Pod) {
	seen := sets.New[types.UID]()
	for _, pod := range p.Pods {
		pod.Namespace = lo.CoalesceOrEmpty(pod.Namespace, "default")
		pod.UID = lo.CoalesceOrEmpty(pod.UID, types.UID(pod.Namespace+"/"+pod.Name))
		if pod.Name == "" || seen.Has(pod.UID) {
			blame("pod %q: needs a name and uid of its own", pod.Name)
		}
		seen.Insert(pod.UID)
		if pod.Spec.NodeName == "" {
			if pod.Status.Phase == "" {
				pod.Status.Phase = corev1.PodPending
				pod.Status.Conditions = append(pod.Status.Conditions,
					corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable})
			}
			pending = append(pending, pod)
		} else if pod.Status.Phase == "" {
			pod.Status.Phase = corev1.PodRunning
		}
		index.all = append(index.all, pod)
		index.byNode[pod.Spec.NodeName] = append(index.byNode[pod.Spec.NodeName], pod)
	}
	return pending
}

// completeNodes fills in what a node of a known instance type has anyway, and gives every node of a NodePool its claim.
func completeNodes(p *Problem, byName map[string]*cloudprovider.InstanceType) []*v1.NodeClaim {
	claims := p.NodeClaims
	claimed := lo.KeyBy(claims, func(claim *v1.NodeClaim) string { return claim.Status.ProviderID })
	for _, node := range p.Nodes {
		node.Spec.ProviderID = lo.CoalesceOrEmpty(node.Spec.ProviderID, "bench:///"+node.Name)
		node.Labels = lo.Assign(map[string]string{corev1.LabelHostname: node.Name}, node.Labels)
		if it := byName[node.Labels[corev1.LabelInstanceTypeStable]]; it != nil && node.Status.Capacity == nil {
			node.Status.Capacity, node.Status.Allocatable = it.Capacity, it.Allocatable()
		}
		if node.Status.Allocatable == nil {
			node.Status.Allocatable = node.Status.Capacity
		}
		if len(node.Status.Conditions) == 0 {
			node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
		}
		if node.Labels[v1.NodePoolLabelKey] == "" {
			continue
		}
		node.Labels = lo.Assign(map[string]string{v1.NodeRegisteredLabelKey: "true", v1.NodeInitializedLabelKey: "true"}, node.Labels)
		if claimed[node.Spec.ProviderID] == nil {
			claims = append(claims, claimOf(node))
		}
	}
	return claims
}

func claimOf(node *corev1.Node) *v1.NodeClaim {
	claim := &v1.NodeClaim{ObjectMeta: metav1.ObjectMeta{
		Name: node.Name, Labels: node.Labels, Annotations: node.Annotations, CreationTimestamp: node.CreationTimestamp,
	}}
	claim.Spec.Taints = node.Spec.Taints
	claim.Status = v1.NodeClaimStatus{
		ProviderID: node.Spec.ProviderID, NodeName: node.Name, Capacity: node.Status.Capacity, Allocatable: node.Status.Allocatable,
	}
	conditions := []string{v1.ConditionTypeLaunched, v1.ConditionTypeRegistered, v1.ConditionTypeConsolidatable}
	if node.Labels[v1.NodeInitializedLabelKey] == "true" {
		conditions = append(conditions, v1.ConditionTypeInitialized)
	}
	for _, condition := range conditions {
		claim.StatusConditions().SetTrue(condition)
	}
	return claim
}
