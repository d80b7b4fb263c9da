{{/* The name of all objects: that of the release, with the chart's where it lacks it. */}}
{{- define "gosumcheck.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The labels by which the server's pods are found; they never change. */}}
{{- define "gosumcheck.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: server
{{- end -}}

{{- define "gosumcheck.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* What all pods have: the user whose folder the data is, and no rights beyond it. */}}
{{- define "gosumcheck.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What all containers have. */}}
{{- define "gosumcheck.container" -}}
image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
env:
  - name: GOSUMCHECK_CONFIG
    value: /etc/gosumcheck/gosumcheck.toml
  - name: GOSUMCHECK_DATA
    value: /var/lib/gosumcheck
  - name: GOSUMCHECK_LISTEN
    value: 0.0.0.0:3000
  - name: GOSUMCHECK_ADMIN_LISTEN
    value: 0.0.0.0:3001
{{- with .Values.environmentSecret }}
envFrom:
  - secretRef:
      name: {{ . }}
{{- end }}
volumeMounts:
  - name: data
    mountPath: /var/lib/gosumcheck
  - name: settings
    mountPath: /etc/gosumcheck
    readOnly: true
  - name: tmp
    mountPath: /tmp
{{- if .Values.filesSecret }}
  - name: files
    mountPath: /run/secrets/gosumcheck
    readOnly: true
{{- end }}
{{- end -}}

{{/* The volumes that are not a replica's own. */}}
{{- define "gosumcheck.volumes" -}}
- name: settings
  configMap:
    name: {{ include "gosumcheck.name" . }}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- with .Values.filesSecret }}
- name: files
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- end -}}
