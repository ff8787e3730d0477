{{- define "windsock.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end }}
{{- end }}

{{- define "windsock.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "windsock.labels" -}}
{{ include "windsock.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "windsock.image" -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- /* "true" where there may be more than one pod at a time. */ -}}
{{- define "windsock.isMany" -}}
{{- if or .Values.autoscaling.enabled (gt (int .Values.replicas) 1) }}
{{- if not .Values.database.existingSecret }}{{ fail "more than one replica needs a PostgreSQL: set database.existingSecret" }}{{ end -}}
true
{{- end }}
{{- end }}

{{- define "windsock.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "windsock.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "windsock.storeEnvironment" -}}
{{- if .Values.database.existingSecret }}
- name: WINDSOCK_STORE_URL
  valueFrom: { secretKeyRef: { name: {{ .Values.database.existingSecret }}, key: url } }
- name: PGPASSWORD
  valueFrom: { secretKeyRef: { name: {{ .Values.database.existingSecret }}, key: password } }
{{- else }}
- name: WINDSOCK_STORE_URL
  value: sqlite:////var/lib/windsock/windsock.db
{{- end }}
{{- end }}
