{{- define "karpenter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "karpenter.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "karpenter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "karpenter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "karpenter.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "karpenter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.additionalLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "karpenter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "karpenter.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "karpenter.credentialsSecret" -}}
{{- default "karpl-credentials" .Values.credentialsSecretRef }}
{{- end }}

{{- define "karpenter.image" -}}
{{- with .Values.controller.image }}
{{- .repository }}:{{ .tag | default (printf "v%s" $.Chart.AppVersion) }}{{ if .digest }}@{{ .digest }}{{ end }}
{{- end }}
{{- end }}

{{- /* In the metadata of every object but the Secret of the credentials. */ -}}
{{- define "karpenter.annotations" -}}
{{- with .Values.additionalAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end }}

{{- /* A term without a labelSelector, changed in place: it means the controller's own pods. Takes the root and the term. */ -}}
{{- define "karpenter.selectOwn" -}}
{{- if not (hasKey .term "labelSelector") }}
{{- $_ := set .term "labelSelector" (dict "matchLabels" (include "karpenter.selectorLabels" .root | fromYaml)) }}
{{- end }}
{{- end }}

{{- define "karpenter.affinity" -}}
{{- $affinity := deepCopy .Values.affinity }}
{{- range compact (list $affinity.podAffinity $affinity.podAntiAffinity) }}
{{- range .requiredDuringSchedulingIgnoredDuringExecution }}
{{- include "karpenter.selectOwn" (dict "root" $ "term" .) }}
{{- end }}
{{- range .preferredDuringSchedulingIgnoredDuringExecution }}
{{- include "karpenter.selectOwn" (dict "root" $ "term" .podAffinityTerm) }}
{{- end }}
{{- end }}
{{- toYaml $affinity }}
{{- end }}

{{- define "karpenter.topologySpreadConstraints" -}}
{{- $constraints := deepCopy .Values.topologySpreadConstraints }}
{{- range $constraints }}
{{- include "karpenter.selectOwn" (dict "root" $ "term" .) }}
{{- end }}
{{- toYaml $constraints }}
{{- end }}

{{- /* Each sidecar with the mounts that are for all; of two at one path the sidecar's own holds, then sidecarVolumeMounts. */ -}}
{{- define "karpenter.sidecars" -}}
{{- $sidecars := deepCopy .Values.controller.sidecarContainer }}
{{- $extra := .Values.controller.extraVolumeMounts | default list }}
{{- $forAll := concat $extra (.Values.controller.sidecarVolumeMounts | default list) }}
{{- range $sidecar := $sidecars }}
{{- $byPath := dict }}
{{- range concat $forAll (.volumeMounts | default list) }}
{{- $_ := set $byPath .mountPath . }}
{{- end }}
{{- $mounts := list }}
{{- range $byPath }}
{{- $mounts = append $mounts . }}
{{- end }}
{{- if $mounts }}
{{- $_ := set $sidecar "volumeMounts" $mounts }}
{{- end }}
{{- end }}
{{- toYaml $sidecars }}
{{- end }}
