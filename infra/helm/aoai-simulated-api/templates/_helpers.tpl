{{/* Name of the chart, truncated to the limit of a label. */}}
{{- define "aoai-simulated-api.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Name of the resources: the name of the release, plus the name of the chart if it is not contained. */}}
{{- define "aoai-simulated-api.fullname" -}}
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

{{- define "aoai-simulated-api.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "aoai-simulated-api.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "aoai-simulated-api.selectorLabels" -}}
app.kubernetes.io/name: {{ include "aoai-simulated-api.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "aoai-simulated-api.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "aoai-simulated-api.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "aoai-simulated-api.image" -}}
{{- $repository := required "Could not name the image: image.repository is empty. Set it, such as myregistry.azurecr.io/aoai-simulated-api." .Values.image.repository -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- define "aoai-simulated-api.secretName" -}}
{{- default (include "aoai-simulated-api.fullname" .) .Values.secret.existingSecret }}
{{- end }}

{{- define "aoai-simulated-api.claimName" -}}
{{- default (printf "%s-recordings" (include "aoai-simulated-api.fullname" . | trunc 52 | trimSuffix "-")) .Values.recordings.existingClaim }}
{{- end }}

{{/* Path of the configuration file in the container; empty without one. */}}
{{- define "aoai-simulated-api.configPath" -}}
{{- $existing := .Values.existingConfig -}}
{{- if and $existing.configMap $existing.secret }}
{{- fail "Could not mount the configuration file: existingConfig.configMap and existingConfig.secret are both set. Set one of them." }}
{{- end }}
{{- if and .Values.config (or $existing.configMap $existing.secret) }}
{{- fail "Could not mount the configuration file: config and existingConfig are both set. Set one of them." }}
{{- end }}
{{- if and .Values.deployments (get .Values.config "deployments") }}
{{- fail "Could not mount the configuration file: deployments and config.deployments are both set. Set one of them." }}
{{- end }}
{{- if .Values.config }}/etc/simulator/aoai-sim.json
{{- else if or $existing.configMap $existing.secret }}/etc/simulator-config/{{ $existing.key }}
{{- end }}
{{- end }}

{{/* "true" if more than one pod is possible; empty otherwise. */}}
{{- define "aoai-simulated-api.manyPods" -}}
{{- if .Values.autoscaling.enabled }}
{{- if gt (int .Values.autoscaling.maxReplicas) 1 }}true{{ end }}
{{- else if gt (int .Values.replicaCount) 1 }}true{{ end }}
{{- end }}

{{/* A value as text. Helm would print large numbers as 1e+06, because it stores numbers as floats. */}}
{{- define "aoai-simulated-api.text" -}}
{{- if kindIs "float64" . }}
{{- if eq (floor .) . }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- else }}
{{- toString . }}
{{- end }}
{{- end }}
