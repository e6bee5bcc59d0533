CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.command_agent (
    name text NOT NULL,
    instance text NOT NULL,
    session bigint NOT NULL,
    host text NOT NULL,
    pid bigint NOT NULL,
    version text NOT NULL,
    capacities jsonb NOT NULL,
    registered_at timestamp with time zone NOT NULL,
    heartbeat_at timestamp with time zone NOT NULL
);
CREATE TABLE public.command_agent_session (
    id bigint NOT NULL,
    agent text NOT NULL
);
CREATE SEQUENCE public.command_agent_session_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.command_agent_session_id_seq OWNED BY public.command_agent_session.id;
CREATE TABLE public.command_calendar (
    id bigint NOT NULL,
    frequency smallint NOT NULL,
    expression text NOT NULL,
    timezone text NOT NULL
);
CREATE SEQUENCE public.command_calendar_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.command_calendar_id_seq OWNED BY public.command_calendar.id;
CREATE TABLE public.command_calendar_relation (
    window_rule smallint NOT NULL,
    child_calendar_id bigint NOT NULL,
    parent_calendar_id bigint NOT NULL,
    related_from timestamp with time zone NOT NULL,
    related_until timestamp with time zone NOT NULL
);
CREATE TABLE public.command_confirmation (
    source_token text NOT NULL,
    names jsonb NOT NULL,
    confirmed boolean NOT NULL
);
CREATE TABLE public.command_cron_spec (
    definition_id bigint NOT NULL,
    project text,
    settings text,
    command text,
    arguments jsonb,
    python text,
    environment jsonb
);
CREATE TABLE public.command_definition (
    id bigint NOT NULL,
    name text NOT NULL,
    source_id smallint NOT NULL,
    matrix_id smallint NOT NULL,
    source_token text NOT NULL,
    frequency smallint NOT NULL,
    expression text DEFAULT ''::text NOT NULL,
    start_policy smallint NOT NULL,
    retry_kind smallint NOT NULL,
    retry_parameters jsonb NOT NULL,
    starts_on text DEFAULT ''::text NOT NULL,
    ends_on text DEFAULT ''::text NOT NULL,
    active boolean NOT NULL,
    paused boolean DEFAULT false NOT NULL,
    priority integer NOT NULL,
    timeout_s double precision,
    delay_s double precision NOT NULL,
    max_running integer,
    max_running_account integer,
    catchup smallint NOT NULL,
    catchup_max_age_s double precision,
    serial boolean DEFAULT false NOT NULL,
    description text NOT NULL,
    place text NOT NULL,
    fingerprint text NOT NULL,
    created timestamp with time zone NOT NULL
);
CREATE TABLE public.command_definition_calendar (
    definition_id bigint NOT NULL,
    calendar_id bigint NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone,
    slots_until timestamp with time zone NOT NULL,
    member_watermark bigint NOT NULL
);
CREATE TABLE public.command_definition_dependency (
    parent_id bigint NOT NULL,
    child_id bigint NOT NULL,
    window_rule smallint NOT NULL,
    member_rule smallint NOT NULL,
    common_matrix_id smallint NOT NULL,
    table_names jsonb NOT NULL
);
CREATE SEQUENCE public.command_definition_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.command_definition_id_seq OWNED BY public.command_definition.id;
CREATE TABLE public.command_definition_pool (
    definition_id bigint NOT NULL,
    pool_name text NOT NULL
);
CREATE TABLE public.command_definition_reads (
    definition_id bigint NOT NULL,
    table_name text NOT NULL,
    window_rule smallint NOT NULL
);
CREATE TABLE public.command_definition_writes (
    definition_id bigint NOT NULL,
    table_name text NOT NULL
);
CREATE TABLE public.command_engine_state (
    id smallint NOT NULL,
    looped_at timestamp with time zone NOT NULL,
    grace_until timestamp with time zone NOT NULL,
    missed_since timestamp with time zone
);
CREATE SEQUENCE public.command_engine_state_id_seq
    AS smallint
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.command_engine_state_id_seq OWNED BY public.command_engine_state.id;
CREATE TABLE public.command_event (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    message text NOT NULL,
    actor text NOT NULL
);
CREATE SEQUENCE public.command_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.command_event_id_seq OWNED BY public.command_event.id;
CREATE TABLE public.command_late_report (
    id bigint NOT NULL,
    run_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    agent text NOT NULL,
    epoch bigint NOT NULL,
    completion_id text NOT NULL,
    disposition text NOT NULL,
    outcome smallint NOT NULL,
    error text,
    result jsonb
);
CREATE SEQUENCE public.command_late_report_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.command_late_report_id_seq OWNED BY public.command_late_report.id;
CREATE TABLE public.command_log_chunk (
    run_id bigint NOT NULL,
    stream text NOT NULL,
    "offset" bigint NOT NULL,
    data bytea NOT NULL
);
CREATE TABLE public.command_log_stream (
    run_id bigint NOT NULL,
    stream text NOT NULL,
    size bigint NOT NULL,
    complete boolean NOT NULL
);
CREATE TABLE public.command_matrix (
    id smallint NOT NULL,
    name text NOT NULL,
    parent_id smallint,
    source_token text NOT NULL
);
CREATE SEQUENCE public.command_matrix_id_seq
    AS smallint
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.command_matrix_id_seq OWNED BY public.command_matrix.id;
CREATE TABLE public.command_member (
    id bigint NOT NULL,
    matrix_id smallint NOT NULL,
    parent_id bigint,
    account_id bigint,
    path text NOT NULL,
    token text NOT NULL,
    timezone text NOT NULL,
    starts_on text DEFAULT ''::text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    maintenance_until timestamp with time zone,
    max_running integer,
    source_token text NOT NULL,
    created timestamp with time zone NOT NULL,
    arrival bigint NOT NULL
);
CREATE TABLE public.command_member_ancestor (
    member_id bigint NOT NULL,
    ancestor_matrix_id smallint NOT NULL,
    ancestor_id bigint NOT NULL,
    member_matrix_id smallint NOT NULL
);
CREATE SEQUENCE public.command_member_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.command_member_id_seq OWNED BY public.command_member.id;
CREATE TABLE public.command_ml_command_spec (
    definition_id bigint NOT NULL,
    interpreter text,
    script text,
    arguments jsonb,
    environment jsonb,
    limits jsonb,
    working_folder text
);
CREATE TABLE public.command_plugin_spec (
    definition_id bigint NOT NULL,
    spec jsonb NOT NULL
);
CREATE TABLE public.command_pool (
    name text NOT NULL,
    places integer NOT NULL,
    source_token text NOT NULL
);
CREATE TABLE public.command_python_spec (
    definition_id bigint NOT NULL,
    callable text,
    arguments jsonb,
    path jsonb,
    environment jsonb
);
CREATE TABLE public.command_run (
    id bigint NOT NULL,
    slot_id bigint NOT NULL,
    attempt integer NOT NULL,
    status smallint NOT NULL,
    source_id smallint NOT NULL,
    priority integer NOT NULL,
    created_by smallint NOT NULL,
    epoch bigint DEFAULT '0'::bigint NOT NULL,
    agent text,
    waiting_at timestamp with time zone NOT NULL,
    running_at timestamp with time zone,
    heartbeat_at timestamp with time zone,
    success_at timestamp with time zone,
    failed_at timestamp with time zone,
    timeout_at timestamp with time zone,
    cancelled_at timestamp with time zone,
    released_at timestamp with time zone,
    cancel_requested_at timestamp with time zone,
    exit_code integer,
    error text,
    result jsonb,
    progress jsonb,
    checkpoint bytea,
    completion_id text
)
WITH (fillfactor='70');
CREATE SEQUENCE public.command_run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.command_run_id_seq OWNED BY public.command_run.id;
CREATE TABLE public.command_shell_spec (
    definition_id bigint NOT NULL,
    argv jsonb,
    script text,
    environment jsonb,
    working_folder text
);
CREATE TABLE public.command_slot (
    id bigint NOT NULL,
    definition_id bigint NOT NULL,
    member_id bigint NOT NULL,
    window_id bigint NOT NULL,
    state smallint NOT NULL,
    failures smallint DEFAULT '0'::smallint NOT NULL,
    losses smallint DEFAULT '0'::smallint NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    failed_at timestamp with time zone,
    ever_failed boolean DEFAULT false NOT NULL,
    success_run_id bigint,
    consumed bigint DEFAULT '0'::bigint NOT NULL,
    decided_at timestamp with time zone,
    reason text DEFAULT ''::text NOT NULL
)
WITH (fillfactor='80');
CREATE SEQUENCE public.command_slot_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.command_slot_id_seq OWNED BY public.command_slot.id;
CREATE TABLE public.command_source (
    id smallint NOT NULL,
    name text NOT NULL
);
CREATE SEQUENCE public.command_source_id_seq
    AS smallint
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.command_source_id_seq OWNED BY public.command_source.id;
CREATE TABLE public.command_stored_procedure_spec (
    definition_id bigint NOT NULL,
    database text,
    procedure text,
    parameters jsonb,
    statement_timeout double precision
);
CREATE TABLE public.command_window (
    id bigint NOT NULL,
    calendar_id bigint NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    label text NOT NULL
);
CREATE SEQUENCE public.command_window_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.command_window_id_seq OWNED BY public.command_window.id;
CREATE TABLE public.command_window_relation (
    window_rule smallint NOT NULL,
    child_window_id bigint NOT NULL,
    parent_window_id bigint NOT NULL
);
ALTER TABLE ONLY public.command_agent_session ALTER COLUMN id SET DEFAULT nextval('public.command_agent_session_id_seq'::regclass);
ALTER TABLE ONLY public.command_calendar ALTER COLUMN id SET DEFAULT nextval('public.command_calendar_id_seq'::regclass);
ALTER TABLE ONLY public.command_definition ALTER COLUMN id SET DEFAULT nextval('public.command_definition_id_seq'::regclass);
ALTER TABLE ONLY public.command_engine_state ALTER COLUMN id SET DEFAULT nextval('public.command_engine_state_id_seq'::regclass);
ALTER TABLE ONLY public.command_event ALTER COLUMN id SET DEFAULT nextval('public.command_event_id_seq'::regclass);
ALTER TABLE ONLY public.command_late_report ALTER COLUMN id SET DEFAULT nextval('public.command_late_report_id_seq'::regclass);
ALTER TABLE ONLY public.command_matrix ALTER COLUMN id SET DEFAULT nextval('public.command_matrix_id_seq'::regclass);
ALTER TABLE ONLY public.command_member ALTER COLUMN id SET DEFAULT nextval('public.command_member_id_seq'::regclass);
ALTER TABLE ONLY public.command_run ALTER COLUMN id SET DEFAULT nextval('public.command_run_id_seq'::regclass);
ALTER TABLE ONLY public.command_slot ALTER COLUMN id SET DEFAULT nextval('public.command_slot_id_seq'::regclass);
ALTER TABLE ONLY public.command_source ALTER COLUMN id SET DEFAULT nextval('public.command_source_id_seq'::regclass);
ALTER TABLE ONLY public.command_window ALTER COLUMN id SET DEFAULT nextval('public.command_window_id_seq'::regclass);
INSERT INTO public.alembic_version VALUES ('0001');
INSERT INTO public.command_agent VALUES ('etl-1', 'a4b1', 1, 'etl', 4711, '0.1.0', '{"cron": 50, "shell": 50, "python": 50, "ml_command": 50, "stored_procedure": 50}', '2026-11-20 12:00:00+00', '2026-11-20 12:00:00+00');
INSERT INTO public.command_agent_session VALUES (1, 'etl-1');
INSERT INTO public.command_calendar VALUES (1, 1, '', 'Europe/London');
INSERT INTO public.command_calendar VALUES (2, 1, '', 'America/New_York');
INSERT INTO public.command_calendar VALUES (3, 1, '', '+05:30');
INSERT INTO public.command_calendar VALUES (4, 3, '', 'UTC');
INSERT INTO public.command_calendar VALUES (5, 2, '', 'Europe/London');
INSERT INTO public.command_calendar VALUES (6, 2, '', 'America/New_York');
INSERT INTO public.command_calendar VALUES (7, 2, '', '+05:30');
INSERT INTO public.command_calendar VALUES (8, 0, '', 'UTC');
INSERT INTO public.command_calendar VALUES (9, 5, '0 */3 * * *', 'UTC');
INSERT INTO public.command_calendar VALUES (10, 4, '2026-11-20T00:00:00+00:00', 'UTC');
INSERT INTO public.command_calendar VALUES (11, 1, '', 'UTC');
INSERT INTO public.command_calendar_relation VALUES (0, 4, 1, '2026-11-20 00:00:00+00', '2026-11-20 00:00:00+00');
INSERT INTO public.command_calendar_relation VALUES (0, 4, 2, '2026-11-20 00:00:00+00', '2026-11-20 00:00:00+00');
INSERT INTO public.command_calendar_relation VALUES (0, 4, 3, '2026-11-20 00:00:00+00', '2026-11-20 00:00:00+00');
INSERT INTO public.command_calendar_relation VALUES (0, 7, 3, '2026-11-19 18:30:00+00', '2026-11-29 18:30:00+00');
INSERT INTO public.command_calendar_relation VALUES (1, 3, 3, '2026-11-19 18:30:00+00', '2026-11-23 18:30:00+00');
INSERT INTO public.command_calendar_relation VALUES (0, 5, 1, '2026-11-20 00:00:00+00', '2026-11-30 00:00:00+00');
INSERT INTO public.command_calendar_relation VALUES (1, 1, 1, '2026-11-20 00:00:00+00', '2026-11-24 00:00:00+00');
INSERT INTO public.command_calendar_relation VALUES (0, 6, 2, '2026-11-20 05:00:00+00', '2026-11-30 05:00:00+00');
INSERT INTO public.command_calendar_relation VALUES (1, 2, 2, '2026-11-20 05:00:00+00', '2026-11-24 05:00:00+00');
INSERT INTO public.command_confirmation VALUES ('definitions of files', '["apology", "closing", "going", "ledger", "often", "once"]', false);
INSERT INTO public.command_cron_spec VALUES (12, 'shop', NULL, 'sync', '["--day", "${window.label}"]', NULL, NULL);
INSERT INTO public.command_definition VALUES (1, 'aggregate', 2, 1, 'files', 1, '', 1, 0, '{"cap_s": 3600.0, "base_s": 60.0, "factor": 2.0, "jitter": 0.0, "attempts": null, "deadline_s": 0.0}', '2026-11-20', '', true, false, 0, NULL, 0, NULL, NULL, 0, NULL, false, '', '', '4f17115651c505acbc1a38401b16ca51', '2026-11-20 12:00:00+00');
INSERT INTO public.command_definition VALUES (2, 'apology', 4, 1, 'files', 1, '', 2, 0, '{"cap_s": 3600.0, "base_s": 60.0, "factor": 2.0, "jitter": 0.0, "attempts": null, "deadline_s": 0.0}', '2026-11-20', '', true, false, 0, NULL, 0, NULL, NULL, 0, NULL, false, '', '', '2906339558cc87f35871da2dd9144198', '2026-11-20 12:00:00+00');
INSERT INTO public.command_definition VALUES (3, 'closing', 4, 0, 'files', 3, '', 0, 0, '{"cap_s": 3600.0, "base_s": 60.0, "factor": 2.0, "jitter": 0.0, "attempts": null, "deadline_s": 0.0}', '2026-11-20', '', true, false, 0, NULL, 3600, NULL, NULL, 0, NULL, false, '', '', '1dae083b0d62d0fa1bb44381f8eb8d73', '2026-11-20 12:00:00+00');
INSERT INTO public.command_definition VALUES (4, 'forecast', 3, 1, 'files', 2, '', 0, 2, '{"cap_s": 3600.0, "base_s": 60.0, "factor": 2.0, "jitter": 0.0, "attempts": 5, "deadline_s": 0.0}', '2026-11-20', '', true, false, 0, NULL, 0, NULL, NULL, 0, NULL, false, '', '', '834f344d19370528d0f7e7b59d17aeb8', '2026-11-20 12:00:00+00');
INSERT INTO public.command_definition VALUES (5, 'going', 4, 1, 'files', 1, '', 0, 0, '{"cap_s": 3600.0, "base_s": 60.0, "factor": 2.0, "jitter": 0.0, "attempts": 1, "deadline_s": 0.0}', '2026-11-20', '', true, false, 0, NULL, 0, NULL, NULL, 0, NULL, false, '', '', '2cad018a26db3139abe5cc72ddbe3d53', '2026-11-20 12:00:00+00');
INSERT INTO public.command_definition VALUES (7, 'load', 4, 1, 'files', 1, '', 0, 0, '{"cap_s": 3600.0, "base_s": 60.0, "factor": 2.0, "jitter": 0.0, "attempts": null, "deadline_s": 0.0}', '2026-11-20', '', true, false, 5, 7200, 0, NULL, NULL, 0, NULL, false, '', '', 'f116d97f62584c6461587230908b10d6', '2026-11-20 12:00:00+00');
INSERT INTO public.command_definition VALUES (8, 'often', 4, 0, 'files', 5, '0 */3 * * *', 0, 0, '{"cap_s": 3600.0, "base_s": 60.0, "factor": 2.0, "jitter": 0.0, "attempts": null, "deadline_s": 0.0}', '2026-11-20', '', true, false, 0, NULL, 0, NULL, NULL, 1, NULL, false, '', '', '1352097086b38d5019320107e092a7f0', '2026-11-20 12:00:00+00');
INSERT INTO public.command_definition VALUES (9, 'once', 4, 0, 'files', 4, '', 0, 0, '{"cap_s": 3600.0, "base_s": 60.0, "factor": 2.0, "jitter": 0.0, "attempts": null, "deadline_s": 0.0}', '2026-11-20', '', true, false, 0, NULL, 0, NULL, NULL, 0, NULL, false, '', '', '34ec0bc37fc189435251236afd00d072', '2026-11-20 12:00:00+00');
INSERT INTO public.command_definition VALUES (10, 'rank', 5, 2, 'files', 1, '', 0, 0, '{"cap_s": 3600.0, "base_s": 60.0, "factor": 2.0, "jitter": 0.0, "attempts": null, "deadline_s": 0.0}', '2026-11-20', '', true, false, 0, NULL, 0, NULL, NULL, 0, NULL, false, '', '', '5fb0ae719944907e57688567d77afd7d', '2026-11-20 12:00:00+00');
INSERT INTO public.command_definition VALUES (11, 'regional', 100, 3, 'files', 1, '', 0, 0, '{"cap_s": 3600.0, "base_s": 60.0, "factor": 2.0, "jitter": 0.0, "attempts": null, "deadline_s": 0.0}', '2026-11-20', '', true, false, 0, NULL, 0, NULL, NULL, 0, NULL, false, '', '', 'cf0f62f4d13c5af31152d75775dedda0', '2026-11-20 12:00:00+00');
INSERT INTO public.command_definition VALUES (12, 'sync', 1, 1, 'files', 1, '', 0, 0, '{"cap_s": 3600.0, "base_s": 60.0, "factor": 2.0, "jitter": 0.0, "attempts": null, "deadline_s": 0.0}', '2026-11-20', '', true, false, 0, NULL, 0, 4, 1, 0, NULL, false, '', '', '969e857cb7d7b23268dbf61f3d35e0fd', '2026-11-20 12:00:00+00');
INSERT INTO public.command_definition VALUES (6, 'ledger', 4, 0, 'files', 0, '', 0, 0, '{"cap_s": 3600.0, "base_s": 60.0, "factor": 2.0, "jitter": 0.0, "attempts": null, "deadline_s": 0.0}', '2026-11-20T20:00:00+00:00', '', true, false, 0, NULL, 0, NULL, NULL, 0, NULL, true, '', '', 'bae84e664369443996c51915c1ea4ee4', '2026-11-20 12:00:00+00');
INSERT INTO public.command_definition_calendar VALUES (1, 1, '2026-11-20 00:00:00+00', NULL, '2026-11-24 00:00:00+00', 2);
INSERT INTO public.command_definition_calendar VALUES (1, 2, '2026-11-20 05:00:00+00', NULL, '2026-11-24 05:00:00+00', 2);
INSERT INTO public.command_definition_calendar VALUES (1, 3, '2026-11-19 18:30:00+00', NULL, '2026-11-23 18:30:00+00', 2);
INSERT INTO public.command_definition_calendar VALUES (2, 1, '2026-11-20 00:00:00+00', NULL, '2026-11-24 00:00:00+00', 2);
INSERT INTO public.command_definition_calendar VALUES (2, 2, '2026-11-20 05:00:00+00', NULL, '2026-11-24 05:00:00+00', 2);
INSERT INTO public.command_definition_calendar VALUES (2, 3, '2026-11-19 18:30:00+00', NULL, '2026-11-23 18:30:00+00', 2);
INSERT INTO public.command_definition_calendar VALUES (3, 4, '2026-11-20 00:00:00+00', NULL, '2026-11-20 00:00:00+00', 1);
INSERT INTO public.command_definition_calendar VALUES (4, 5, '2026-11-20 00:00:00+00', NULL, '2026-11-30 00:00:00+00', 2);
INSERT INTO public.command_definition_calendar VALUES (4, 6, '2026-11-20 05:00:00+00', NULL, '2026-11-30 05:00:00+00', 2);
INSERT INTO public.command_definition_calendar VALUES (4, 7, '2026-11-19 18:30:00+00', NULL, '2026-11-29 18:30:00+00', 2);
INSERT INTO public.command_definition_calendar VALUES (5, 1, '2026-11-20 00:00:00+00', NULL, '2026-11-24 00:00:00+00', 2);
INSERT INTO public.command_definition_calendar VALUES (5, 2, '2026-11-20 05:00:00+00', NULL, '2026-11-24 05:00:00+00', 2);
INSERT INTO public.command_definition_calendar VALUES (5, 3, '2026-11-19 18:30:00+00', NULL, '2026-11-23 18:30:00+00', 2);
INSERT INTO public.command_definition_calendar VALUES (7, 1, '2026-11-20 00:00:00+00', NULL, '2026-11-24 00:00:00+00', 2);
INSERT INTO public.command_definition_calendar VALUES (7, 2, '2026-11-20 05:00:00+00', NULL, '2026-11-24 05:00:00+00', 2);
INSERT INTO public.command_definition_calendar VALUES (7, 3, '2026-11-19 18:30:00+00', NULL, '2026-11-23 18:30:00+00', 2);
INSERT INTO public.command_definition_calendar VALUES (9, 10, '2026-11-20 00:00:00+00', NULL, '2026-11-20 00:00:00.000001+00', 1);
INSERT INTO public.command_definition_calendar VALUES (10, 1, '2026-11-20 00:00:00+00', NULL, '2026-11-24 00:00:00+00', 3);
INSERT INTO public.command_definition_calendar VALUES (11, 11, '2026-11-20 00:00:00+00', NULL, '2026-11-24 00:00:00+00', 4);
INSERT INTO public.command_definition_calendar VALUES (12, 1, '2026-11-20 00:00:00+00', NULL, '2026-11-24 00:00:00+00', 2);
INSERT INTO public.command_definition_calendar VALUES (12, 2, '2026-11-20 05:00:00+00', NULL, '2026-11-24 05:00:00+00', 2);
INSERT INTO public.command_definition_calendar VALUES (12, 3, '2026-11-19 18:30:00+00', NULL, '2026-11-23 18:30:00+00', 2);
INSERT INTO public.command_definition_calendar VALUES (8, 9, '2026-11-20 00:00:00+00', NULL, '2026-11-23 09:00:00+00', 1);
INSERT INTO public.command_definition_calendar VALUES (6, 8, '2026-11-20 20:00:00+00', NULL, '2026-11-23 08:00:00+00', 1);
INSERT INTO public.command_definition_dependency VALUES (7, 2, 1, 0, 1, '["load"]');
INSERT INTO public.command_definition_dependency VALUES (7, 3, 0, 2, 0, '["load"]');
INSERT INTO public.command_definition_dependency VALUES (7, 12, 1, 0, 1, '["load"]');
INSERT INTO public.command_definition_dependency VALUES (12, 1, 1, 0, 1, '["sync"]');
INSERT INTO public.command_definition_dependency VALUES (1, 4, 0, 0, 1, '["aggregate"]');
INSERT INTO public.command_definition_pool VALUES (12, 'warehouse');
INSERT INTO public.command_definition_reads VALUES (1, 'sync', 4);
INSERT INTO public.command_definition_reads VALUES (2, 'load', 4);
INSERT INTO public.command_definition_reads VALUES (3, 'load', 4);
INSERT INTO public.command_definition_reads VALUES (4, 'aggregate', 0);
INSERT INTO public.command_definition_reads VALUES (6, 'ledger', 4);
INSERT INTO public.command_definition_reads VALUES (12, 'load', 4);
INSERT INTO public.command_definition_writes VALUES (1, 'aggregate');
INSERT INTO public.command_definition_writes VALUES (2, 'apology');
INSERT INTO public.command_definition_writes VALUES (3, 'closing');
INSERT INTO public.command_definition_writes VALUES (4, 'forecast');
INSERT INTO public.command_definition_writes VALUES (6, 'ledger');
INSERT INTO public.command_definition_writes VALUES (7, 'load');
INSERT INTO public.command_definition_writes VALUES (8, 'often');
INSERT INTO public.command_definition_writes VALUES (9, 'once');
INSERT INTO public.command_definition_writes VALUES (10, 'rank');
INSERT INTO public.command_definition_writes VALUES (11, 'regional');
INSERT INTO public.command_definition_writes VALUES (12, 'sync');
INSERT INTO public.command_engine_state VALUES (1, '2026-11-21 07:06:00+00', '2026-11-21 05:31:00+00', NULL);
INSERT INTO public.command_event VALUES (1, '2026-11-20 12:00:00+00', 'account.added', 'acme', 'account acme, as files says', 'engine');
INSERT INTO public.command_event VALUES (2, '2026-11-20 12:00:00+00', 'account.added', 'globex', 'account globex, as files says', 'engine');
INSERT INTO public.command_event VALUES (3, '2026-11-20 12:00:00+00', 'account.added', 'initech', 'account initech, as files says', 'engine');
INSERT INTO public.command_event VALUES (4, '2026-11-20 12:00:00+00', 'matrix.changed', 'keyword', '2 members added, 0 removed, as files says', 'engine');
INSERT INTO public.command_event VALUES (5, '2026-11-20 12:00:00+00', 'matrix.changed', 'region', '2 members added, 0 removed, as files says', 'engine');
INSERT INTO public.command_event VALUES (6, '2026-11-20 12:00:00+00', 'definition.added', 'aggregate', 'definition aggregate added, as files says', 'engine');
INSERT INTO public.command_event VALUES (7, '2026-11-20 12:00:00+00', 'definition.added', 'apology', 'definition apology added, as files says', 'engine');
INSERT INTO public.command_event VALUES (8, '2026-11-20 12:00:00+00', 'definition.added', 'closing', 'definition closing added, as files says', 'engine');
INSERT INTO public.command_event VALUES (9, '2026-11-20 12:00:00+00', 'definition.added', 'forecast', 'definition forecast added, as files says', 'engine');
INSERT INTO public.command_event VALUES (10, '2026-11-20 12:00:00+00', 'definition.added', 'going', 'definition going added, as files says', 'engine');
INSERT INTO public.command_event VALUES (11, '2026-11-20 12:00:00+00', 'definition.added', 'ledger', 'definition ledger added, as files says', 'engine');
INSERT INTO public.command_event VALUES (12, '2026-11-20 12:00:00+00', 'definition.added', 'load', 'definition load added, as files says', 'engine');
INSERT INTO public.command_event VALUES (13, '2026-11-20 12:00:00+00', 'definition.added', 'often', 'definition often added, as files says', 'engine');
INSERT INTO public.command_event VALUES (14, '2026-11-20 12:00:00+00', 'definition.added', 'once', 'definition once added, as files says', 'engine');
INSERT INTO public.command_event VALUES (15, '2026-11-20 12:00:00+00', 'definition.added', 'rank', 'definition rank added, as files says', 'engine');
INSERT INTO public.command_event VALUES (16, '2026-11-20 12:00:00+00', 'definition.added', 'regional', 'definition regional added, as files says', 'engine');
INSERT INTO public.command_event VALUES (17, '2026-11-20 12:00:00+00', 'definition.added', 'sync', 'definition sync added, as files says', 'engine');
INSERT INTO public.command_event VALUES (18, '2026-11-20 12:00:00+00', 'slots.catchup', 'often', '3 slots of missed windows skipped (catchup: latest)', 'engine');
INSERT INTO public.command_event VALUES (19, '2026-11-20 12:50:00+00', 'engine.gap', 'engine', 'no engine was at work since 2026-11-20 12:00:00Z; silent agents are given until 2026-11-20 12:51:00Z', 'engine');
INSERT INTO public.command_event VALUES (20, '2026-11-20 13:40:00+00', 'engine.gap', 'engine', 'no engine was at work since 2026-11-20 12:50:00Z; silent agents are given until 2026-11-20 13:41:00Z', 'engine');
INSERT INTO public.command_event VALUES (21, '2026-11-20 14:30:00+00', 'engine.gap', 'engine', 'no engine was at work since 2026-11-20 13:40:00Z; silent agents are given until 2026-11-20 14:31:00Z', 'engine');
INSERT INTO public.command_event VALUES (22, '2026-11-20 15:20:00+00', 'engine.gap', 'engine', 'no engine was at work since 2026-11-20 14:30:00Z; silent agents are given until 2026-11-20 15:21:00Z', 'engine');
INSERT INTO public.command_event VALUES (23, '2026-11-20 16:10:00+00', 'engine.gap', 'engine', 'no engine was at work since 2026-11-20 15:20:00Z; silent agents are given until 2026-11-20 16:11:00Z', 'engine');
INSERT INTO public.command_event VALUES (24, '2026-11-20 17:00:00+00', 'engine.gap', 'engine', 'no engine was at work since 2026-11-20 16:10:00Z; silent agents are given until 2026-11-20 17:01:00Z', 'engine');
INSERT INTO public.command_event VALUES (25, '2026-11-20 17:50:00+00', 'engine.gap', 'engine', 'no engine was at work since 2026-11-20 17:00:00Z; silent agents are given until 2026-11-20 17:51:00Z', 'engine');
INSERT INTO public.command_event VALUES (26, '2026-11-20 18:40:00+00', 'engine.gap', 'engine', 'no engine was at work since 2026-11-20 17:50:00Z; silent agents are given until 2026-11-20 18:41:00Z', 'engine');
INSERT INTO public.command_event VALUES (27, '2026-11-20 19:30:00+00', 'engine.gap', 'engine', 'no engine was at work since 2026-11-20 18:40:00Z; silent agents are given until 2026-11-20 19:31:00Z', 'engine');
INSERT INTO public.command_event VALUES (28, '2026-11-20 20:20:00+00', 'engine.gap', 'engine', 'no engine was at work since 2026-11-20 19:30:00Z; silent agents are given until 2026-11-20 20:21:00Z', 'engine');
INSERT INTO public.command_event VALUES (29, '2026-11-20 21:10:00+00', 'engine.gap', 'engine', 'no engine was at work since 2026-11-20 20:20:00Z; silent agents are given until 2026-11-20 21:11:00Z', 'engine');
INSERT INTO public.command_event VALUES (30, '2026-11-20 22:00:00+00', 'engine.gap', 'engine', 'no engine was at work since 2026-11-20 21:10:00Z; silent agents are given until 2026-11-20 22:01:00Z', 'engine');
INSERT INTO public.command_event VALUES (31, '2026-11-20 22:50:00+00', 'engine.gap', 'engine', 'no engine was at work since 2026-11-20 22:00:00Z; silent agents are given until 2026-11-20 22:51:00Z', 'engine');
INSERT INTO public.command_event VALUES (32, '2026-11-20 23:40:00+00', 'engine.gap', 'engine', 'no engine was at work since 2026-11-20 22:50:00Z; silent agents are given until 2026-11-20 23:41:00Z', 'engine');
INSERT INTO public.command_event VALUES (33, '2026-11-21 00:30:00+00', 'engine.gap', 'engine', 'no engine was at work since 2026-11-20 23:40:00Z; silent agents are given until 2026-11-21 00:31:00Z', 'engine');
INSERT INTO public.command_event VALUES (34, '2026-11-21 01:20:00+00', 'engine.gap', 'engine', 'no engine was at work since 2026-11-21 00:30:00Z; silent agents are given until 2026-11-21 01:21:00Z', 'engine');
INSERT INTO public.command_event VALUES (35, '2026-11-21 02:10:00+00', 'engine.gap', 'engine', 'no engine was at work since 2026-11-21 01:20:00Z; silent agents are given until 2026-11-21 02:11:00Z', 'engine');
INSERT INTO public.command_event VALUES (36, '2026-11-21 03:00:00+00', 'engine.gap', 'engine', 'no engine was at work since 2026-11-21 02:10:00Z; silent agents are given until 2026-11-21 03:01:00Z', 'engine');
INSERT INTO public.command_event VALUES (37, '2026-11-21 03:50:00+00', 'engine.gap', 'engine', 'no engine was at work since 2026-11-21 03:00:00Z; silent agents are given until 2026-11-21 03:51:00Z', 'engine');
INSERT INTO public.command_event VALUES (38, '2026-11-21 04:40:00+00', 'engine.gap', 'engine', 'no engine was at work since 2026-11-21 03:50:00Z; silent agents are given until 2026-11-21 04:41:00Z', 'engine');
INSERT INTO public.command_event VALUES (39, '2026-11-21 05:30:00+00', 'engine.gap', 'engine', 'no engine was at work since 2026-11-21 04:40:00Z; silent agents are given until 2026-11-21 05:31:00Z', 'engine');
INSERT INTO public.command_event VALUES (40, '2026-11-21 05:30:00+00', 'run.cancel_requested', 'run 13', 'run 13 of going@initech/2026-11-20 is to be stopped by etl-1', 'night watch');
INSERT INTO public.command_event VALUES (41, '2026-11-21 05:40:30+00', 'run.timeout', 'run 6', 'agent etl-1 was not heard of', 'engine');
INSERT INTO public.command_event VALUES (42, '2026-11-21 06:12:30+00', 'run.timeout', 'run 17', 'agent etl-1 was not heard of', 'engine');
INSERT INTO public.command_event VALUES (43, '2026-11-21 06:12:30+00', 'run.timeout', 'run 16', 'agent etl-1 was not heard of', 'engine');
INSERT INTO public.command_event VALUES (44, '2026-11-21 06:12:30+00', 'run.timeout', 'run 18', 'agent etl-1 was not heard of', 'engine');
INSERT INTO public.command_event VALUES (45, '2026-11-21 06:44:30+00', 'run.timeout', 'run 20', 'agent etl-1 was not heard of', 'engine');
INSERT INTO public.command_event VALUES (46, '2026-11-21 06:44:30+00', 'run.timeout', 'run 19', 'agent etl-1 was not heard of', 'engine');
INSERT INTO public.command_event VALUES (47, '2026-11-21 06:44:30+00', 'run.timeout', 'run 21', 'agent etl-1 was not heard of', 'engine');
INSERT INTO public.command_event VALUES (48, '2026-11-21 07:06:05+00', 'removal.held_back', 'definitions of files', 'files no longer lists 6 of 12 of its definitions (apology, closing, going, ledger, often …): nothing was removed. If that is meant: conductor-cli definitions confirm-removal ''definitions of files'' --count 6', 'engine');
INSERT INTO public.command_late_report VALUES (1, 6, '2026-11-21 05:46:00+00', 'etl-1', 1, 'completion-13', 'late', 1, NULL, NULL);
INSERT INTO public.command_late_report VALUES (2, 17, '2026-11-21 06:18:00+00', 'etl-1', 1, 'completion-14', 'late', 1, NULL, NULL);
INSERT INTO public.command_late_report VALUES (3, 20, '2026-11-21 06:50:00+00', 'etl-1', 1, 'completion-15', 'late', 1, NULL, NULL);
INSERT INTO public.command_late_report VALUES (4, 10, '2026-11-21 07:06:00+00', 'stray', 99, 'completion-16', 'fenced', 1, NULL, NULL);
INSERT INTO public.command_log_chunk VALUES (10, 'stdout', 0, '\x68616c667761793a20c2bd0a');
INSERT INTO public.command_log_stream VALUES (10, 'stdout', 12, false);
INSERT INTO public.command_matrix VALUES (0, 'default', NULL, 'built-in');
INSERT INTO public.command_matrix VALUES (1, 'account', 0, 'built-in');
INSERT INTO public.command_matrix VALUES (2, 'keyword', 1, 'built-in');
INSERT INTO public.command_matrix VALUES (3, 'region', 0, 'files');
INSERT INTO public.command_member VALUES (1, 0, NULL, NULL, '', 'default', 'UTC', '', '1970-01-01 00:00:00+00', NULL, NULL, 'built-in', '2026-11-20 12:00:00+00', 1);
INSERT INTO public.command_member VALUES (3, 1, 1, 3, 'acme', 'acme', 'Europe/London', '2020-01-01', '2020-01-01 00:00:00+00', NULL, NULL, 'files', '2026-11-20 12:00:00+00', 2);
INSERT INTO public.command_member VALUES (4, 1, 1, 4, 'globex', 'globex', '+05:30', '2020-01-01', '2019-12-31 18:30:00+00', NULL, 3, 'files', '2026-11-20 12:00:00+00', 2);
INSERT INTO public.command_member VALUES (5, 1, 1, 5, 'initech', 'initech', 'America/New_York', '2020-01-01', '2020-01-01 05:00:00+00', NULL, NULL, 'files', '2026-11-20 12:00:00+00', 2);
INSERT INTO public.command_member VALUES (6, 2, 3, 3, 'acme:shoes', 'shoes', 'Europe/London', '', '2026-11-20 12:00:00+00', NULL, NULL, 'files', '2026-11-20 12:00:00+00', 3);
INSERT INTO public.command_member VALUES (7, 2, 3, 3, 'acme:socks', 'socks', 'Europe/London', '', '2026-11-20 12:00:00+00', NULL, NULL, 'files', '2026-11-20 12:00:00+00', 3);
INSERT INTO public.command_member VALUES (8, 3, 1, NULL, 'emea', 'emea', 'UTC', '', '2026-11-20 12:00:00+00', NULL, NULL, 'files', '2026-11-20 12:00:00+00', 4);
INSERT INTO public.command_member VALUES (9, 3, 1, NULL, 'apac', 'apac', 'UTC', '', '2026-11-20 12:00:00+00', NULL, NULL, 'files', '2026-11-20 12:00:00+00', 4);
INSERT INTO public.command_member_ancestor VALUES (1, 0, 1, 0);
INSERT INTO public.command_member_ancestor VALUES (3, 1, 3, 1);
INSERT INTO public.command_member_ancestor VALUES (4, 1, 4, 1);
INSERT INTO public.command_member_ancestor VALUES (5, 1, 5, 1);
INSERT INTO public.command_member_ancestor VALUES (5, 0, 1, 1);
INSERT INTO public.command_member_ancestor VALUES (4, 0, 1, 1);
INSERT INTO public.command_member_ancestor VALUES (3, 0, 1, 1);
INSERT INTO public.command_member_ancestor VALUES (6, 2, 6, 2);
INSERT INTO public.command_member_ancestor VALUES (7, 2, 7, 2);
INSERT INTO public.command_member_ancestor VALUES (6, 1, 3, 2);
INSERT INTO public.command_member_ancestor VALUES (6, 0, 1, 2);
INSERT INTO public.command_member_ancestor VALUES (7, 1, 3, 2);
INSERT INTO public.command_member_ancestor VALUES (7, 0, 1, 2);
INSERT INTO public.command_member_ancestor VALUES (8, 3, 8, 3);
INSERT INTO public.command_member_ancestor VALUES (9, 3, 9, 3);
INSERT INTO public.command_member_ancestor VALUES (8, 0, 1, 3);
INSERT INTO public.command_member_ancestor VALUES (9, 0, 1, 3);
INSERT INTO public.command_ml_command_spec VALUES (4, 'python', 'forecast.py', NULL, NULL, NULL, NULL);
INSERT INTO public.command_plugin_spec VALUES (11, '{"jar": "regional.jar", "cores": 4}');
INSERT INTO public.command_pool VALUES ('warehouse', 2, 'files');
INSERT INTO public.command_python_spec VALUES (10, 'rank:main', NULL, NULL, NULL);
INSERT INTO public.command_run VALUES (14, 71, 1, 4, 4, 5, 0, 1, 'etl-1', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'completion-1');
INSERT INTO public.command_run VALUES (1, 97, 1, 4, 4, 0, 0, 1, 'etl-1', '2026-11-20 12:00:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'completion-2');
INSERT INTO public.command_run VALUES (2, 80, 1, 4, 4, 0, 0, 1, 'etl-1', '2026-11-20 12:00:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'completion-3');
INSERT INTO public.command_run VALUES (3, 81, 1, 4, 4, 0, 0, 1, 'etl-1', '2026-11-20 15:20:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'completion-4');
INSERT INTO public.command_run VALUES (4, 82, 1, 4, 4, 0, 0, 1, 'etl-1', '2026-11-20 18:40:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'completion-5');
INSERT INTO public.command_run VALUES (5, 25, 1, 4, 4, 0, 0, 1, 'etl-1', '2026-11-20 18:40:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'completion-6');
INSERT INTO public.command_run VALUES (7, 28, 1, 6, 4, 0, 0, 1, 'etl-1', '2026-11-20 21:10:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', NULL, NULL, NULL, NULL, '2026-11-21 05:30:00+00', NULL, NULL, NULL, NULL, NULL, NULL, 'completion-7');
INSERT INTO public.command_run VALUES (8, 83, 1, 4, 4, 0, 0, 1, 'etl-1', '2026-11-20 21:10:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'completion-8');
INSERT INTO public.command_run VALUES (9, 19, 1, 3, 4, 0, 0, 1, 'etl-1', '2026-11-21 00:30:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', NULL, '2026-11-21 05:30:00+00', NULL, NULL, NULL, NULL, NULL, 'exit code 3
no such file', NULL, NULL, NULL, 'completion-9');
INSERT INTO public.command_run VALUES (11, 84, 1, 4, 4, 0, 0, 1, 'etl-1', '2026-11-21 00:30:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'completion-10');
INSERT INTO public.command_run VALUES (12, 85, 1, 4, 4, 0, 0, 1, 'etl-1', '2026-11-21 03:00:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'completion-11');
INSERT INTO public.command_run VALUES (13, 22, 1, 5, 4, 0, 0, 1, 'etl-1', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', NULL, NULL, NULL, '2026-11-21 05:30:00+00', NULL, '2026-11-21 05:30:00+00', NULL, 'an operator asked for it', NULL, NULL, NULL, 'completion-12');
INSERT INTO public.command_run VALUES (15, 109, 1, 0, 1, 0, 0, 0, NULL, '2026-11-21 05:30:50+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.command_run VALUES (6, 74, 1, 2, 4, 5, 0, 1, 'etl-1', '2026-11-20 18:40:00+00', '2026-11-21 05:30:00+00', '2026-11-21 05:30:00+00', NULL, NULL, '2026-11-21 05:40:30+00', NULL, NULL, NULL, NULL, 'agent etl-1 was not heard of for too long: it, its machine or the network is gone', NULL, NULL, NULL, NULL);
INSERT INTO public.command_run VALUES (10, 68, 1, 1, 4, 5, 0, 1, 'etl-1', '2026-11-21 00:30:00+00', '2026-11-21 05:30:00+00', '2026-11-21 07:06:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"message": "half", "fraction": 0.5}', '\x00726f772034373131', NULL);
INSERT INTO public.command_run VALUES (20, 74, 3, 2, 4, 5, 0, 1, 'etl-1', '2026-11-21 06:22:50+00', '2026-11-21 06:34:00+00', '2026-11-21 06:34:00+00', NULL, NULL, '2026-11-21 06:44:30+00', NULL, NULL, NULL, NULL, 'agent etl-1 was not heard of for too long: it, its machine or the network is gone', NULL, NULL, NULL, NULL);
INSERT INTO public.command_run VALUES (19, 28, 3, 2, 4, 0, 0, 1, 'etl-1', '2026-11-21 06:22:50+00', '2026-11-21 06:34:00+00', '2026-11-21 06:34:00+00', NULL, NULL, '2026-11-21 06:44:30+00', NULL, NULL, NULL, NULL, 'agent etl-1 was not heard of for too long: it, its machine or the network is gone', NULL, NULL, NULL, NULL);
INSERT INTO public.command_run VALUES (17, 74, 2, 2, 4, 5, 0, 1, 'etl-1', '2026-11-21 05:50:50+00', '2026-11-21 06:02:00+00', '2026-11-21 06:02:00+00', NULL, NULL, '2026-11-21 06:12:30+00', NULL, NULL, NULL, NULL, 'agent etl-1 was not heard of for too long: it, its machine or the network is gone', NULL, NULL, NULL, NULL);
INSERT INTO public.command_run VALUES (16, 28, 2, 2, 4, 0, 0, 1, 'etl-1', '2026-11-21 05:30:50+00', '2026-11-21 06:02:00+00', '2026-11-21 06:02:00+00', NULL, NULL, '2026-11-21 06:12:30+00', NULL, NULL, NULL, NULL, 'agent etl-1 was not heard of for too long: it, its machine or the network is gone', NULL, NULL, NULL, NULL);
INSERT INTO public.command_run VALUES (18, 86, 1, 2, 4, 0, 0, 1, 'etl-1', '2026-11-21 06:00:30+00', '2026-11-21 06:02:00+00', '2026-11-21 06:02:00+00', NULL, NULL, '2026-11-21 06:12:30+00', NULL, NULL, NULL, NULL, 'agent etl-1 was not heard of for too long: it, its machine or the network is gone', NULL, NULL, NULL, NULL);
INSERT INTO public.command_run VALUES (21, 86, 2, 2, 4, 0, 0, 1, 'etl-1', '2026-11-21 06:22:50+00', '2026-11-21 06:34:00+00', '2026-11-21 06:34:00+00', NULL, NULL, '2026-11-21 06:44:30+00', NULL, NULL, NULL, NULL, 'agent etl-1 was not heard of for too long: it, its machine or the network is gone', NULL, NULL, NULL, NULL);
INSERT INTO public.command_run VALUES (22, 28, 4, 1, 4, 0, 0, 1, 'etl-1', '2026-11-21 06:54:50+00', '2026-11-21 07:06:00+00', '2026-11-21 07:06:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.command_run VALUES (23, 86, 3, 1, 4, 0, 0, 1, 'etl-1', '2026-11-21 06:54:50+00', '2026-11-21 07:06:00+00', '2026-11-21 07:06:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.command_shell_spec VALUES (2, NULL, NULL, NULL, NULL);
INSERT INTO public.command_shell_spec VALUES (3, NULL, NULL, NULL, NULL);
INSERT INTO public.command_shell_spec VALUES (5, NULL, NULL, NULL, NULL);
INSERT INTO public.command_shell_spec VALUES (6, NULL, NULL, NULL, NULL);
INSERT INTO public.command_shell_spec VALUES (7, '["load", "${account.token}"]', NULL, NULL, NULL);
INSERT INTO public.command_shell_spec VALUES (8, NULL, NULL, NULL, NULL);
INSERT INTO public.command_shell_spec VALUES (9, NULL, NULL, NULL, NULL);
INSERT INTO public.command_slot VALUES (1, 1, 3, 1, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (2, 1, 3, 2, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (3, 1, 3, 3, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (4, 1, 5, 4, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (5, 1, 5, 5, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (6, 1, 5, 6, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (7, 1, 4, 7, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (8, 1, 4, 8, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (9, 1, 4, 9, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (10, 2, 3, 1, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (11, 2, 3, 2, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (12, 2, 3, 3, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (14, 2, 5, 5, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (15, 2, 5, 6, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (16, 2, 4, 7, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (17, 2, 4, 8, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (18, 2, 4, 9, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (20, 5, 3, 2, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (21, 5, 3, 3, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (23, 5, 5, 5, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (24, 5, 5, 6, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (26, 5, 4, 8, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (27, 5, 4, 9, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (29, 6, 1, 11, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (30, 6, 1, 12, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (31, 6, 1, 13, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (32, 6, 1, 14, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (33, 6, 1, 15, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (34, 6, 1, 16, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (35, 6, 1, 17, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (36, 6, 1, 18, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (37, 6, 1, 19, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (38, 6, 1, 20, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (39, 6, 1, 21, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (40, 6, 1, 22, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (41, 6, 1, 23, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (42, 6, 1, 24, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (43, 6, 1, 25, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (44, 6, 1, 26, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (45, 6, 1, 27, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (46, 6, 1, 28, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (47, 6, 1, 29, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (48, 6, 1, 30, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (49, 6, 1, 31, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (50, 6, 1, 32, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (51, 6, 1, 33, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (52, 6, 1, 34, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (53, 6, 1, 35, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (54, 6, 1, 36, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (55, 6, 1, 37, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (56, 6, 1, 38, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (57, 6, 1, 39, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (58, 6, 1, 40, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (59, 6, 1, 41, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (60, 6, 1, 42, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (61, 6, 1, 43, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (62, 6, 1, 44, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (63, 6, 1, 45, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (64, 6, 1, 46, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (65, 6, 1, 47, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (25, 5, 4, 7, 2, 0, 0, 1, NULL, false, 5, 0, '2026-11-21 05:30:00+00', '');
INSERT INTO public.command_slot VALUES (22, 5, 5, 4, 5, 0, 0, 1, NULL, false, NULL, 0, '2026-11-21 05:30:00+00', 'cancelled by an operator');
INSERT INTO public.command_slot VALUES (13, 2, 5, 4, 4, 0, 0, 0, NULL, false, NULL, 0, '2026-11-21 05:30:50+00', 'it runs after failures only, and a slot that it watches did not fail');
INSERT INTO public.command_slot VALUES (19, 5, 3, 1, 3, 1, 0, 1, '2026-11-21 05:30:00+00', true, NULL, 0, '2026-11-21 05:30:50+00', 'failed 1 times in a row, as often as its policy allows');
INSERT INTO public.command_slot VALUES (28, 6, 1, 10, 1, 2, 2, 4, '2026-11-21 06:44:30+00', true, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (66, 6, 1, 48, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (67, 6, 1, 49, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (69, 7, 3, 2, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (70, 7, 3, 3, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (72, 7, 5, 5, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (73, 7, 5, 6, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (75, 7, 4, 8, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (76, 7, 4, 9, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (87, 8, 1, 60, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (88, 8, 1, 61, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (89, 8, 1, 62, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (90, 8, 1, 63, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (91, 8, 1, 64, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (92, 8, 1, 65, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (93, 8, 1, 66, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (94, 8, 1, 67, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (95, 8, 1, 68, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (96, 8, 1, 69, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (77, 8, 1, 50, 4, 0, 0, 0, NULL, false, NULL, 0, '2026-11-20 12:00:00+00', 'missed, and its definition says catchup: latest');
INSERT INTO public.command_slot VALUES (78, 8, 1, 51, 4, 0, 0, 0, NULL, false, NULL, 0, '2026-11-20 12:00:00+00', 'missed, and its definition says catchup: latest');
INSERT INTO public.command_slot VALUES (79, 8, 1, 52, 4, 0, 0, 0, NULL, false, NULL, 0, '2026-11-20 12:00:00+00', 'missed, and its definition says catchup: latest');
INSERT INTO public.command_slot VALUES (98, 10, 6, 2, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (99, 10, 7, 2, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (100, 10, 6, 3, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (101, 10, 7, 3, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (102, 11, 8, 72, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (103, 11, 9, 72, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (104, 11, 8, 73, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (105, 11, 9, 73, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (106, 12, 3, 1, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (107, 12, 3, 2, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (108, 12, 3, 3, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (110, 12, 5, 5, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (111, 12, 5, 6, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (112, 12, 4, 7, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (113, 12, 4, 8, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (114, 12, 4, 9, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (115, 6, 1, 74, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (116, 8, 1, 75, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (117, 6, 1, 76, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (118, 6, 1, 77, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (119, 6, 1, 78, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (120, 8, 1, 79, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (121, 6, 1, 80, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (122, 6, 1, 81, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (68, 7, 3, 1, 1, 0, 0, 1, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (71, 7, 5, 4, 2, 0, 0, 1, NULL, false, 14, 0, '2026-11-21 05:30:00+00', '');
INSERT INTO public.command_slot VALUES (97, 9, 1, 70, 2, 0, 0, 1, NULL, false, 1, 0, '2026-11-21 05:30:00+00', '');
INSERT INTO public.command_slot VALUES (80, 8, 1, 53, 2, 0, 0, 1, NULL, false, 2, 0, '2026-11-21 05:30:00+00', '');
INSERT INTO public.command_slot VALUES (81, 8, 1, 54, 2, 0, 0, 1, NULL, false, 3, 0, '2026-11-21 05:30:00+00', '');
INSERT INTO public.command_slot VALUES (82, 8, 1, 55, 2, 0, 0, 1, NULL, false, 4, 0, '2026-11-21 05:30:00+00', '');
INSERT INTO public.command_slot VALUES (83, 8, 1, 56, 2, 0, 0, 1, NULL, false, 8, 0, '2026-11-21 05:30:00+00', '');
INSERT INTO public.command_slot VALUES (84, 8, 1, 57, 2, 0, 0, 1, NULL, false, 11, 0, '2026-11-21 05:30:00+00', '');
INSERT INTO public.command_slot VALUES (85, 8, 1, 58, 2, 0, 0, 1, NULL, false, 12, 0, '2026-11-21 05:30:00+00', '');
INSERT INTO public.command_slot VALUES (109, 12, 5, 4, 1, 0, 0, 1, NULL, false, NULL, 14, NULL, '');
INSERT INTO public.command_slot VALUES (86, 8, 1, 59, 1, 2, 2, 3, '2026-11-21 06:44:30+00', true, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (74, 7, 4, 7, 6, 3, 3, 3, '2026-11-21 06:44:30+00', true, NULL, 0, '2026-11-21 06:44:30+00', '3 agents in a row were lost while running it');
INSERT INTO public.command_slot VALUES (123, 1, 4, 82, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (124, 2, 4, 82, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (125, 4, 4, 83, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (126, 5, 4, 82, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (127, 6, 1, 84, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (128, 7, 4, 82, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (129, 8, 1, 85, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (130, 12, 4, 82, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (131, 6, 1, 92, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (132, 6, 1, 93, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (133, 6, 1, 94, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (134, 8, 1, 95, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (135, 6, 1, 96, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (136, 6, 1, 97, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (137, 1, 3, 98, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (138, 2, 3, 98, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (139, 4, 3, 99, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (140, 5, 3, 98, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (141, 6, 1, 100, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (142, 7, 3, 98, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (143, 8, 1, 101, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (144, 10, 6, 98, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (145, 10, 7, 98, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (146, 11, 8, 102, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (147, 11, 9, 102, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (148, 12, 3, 98, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (149, 6, 1, 109, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (150, 6, 1, 110, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (151, 6, 1, 111, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (152, 8, 1, 112, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (153, 6, 1, 113, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (154, 1, 5, 114, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (155, 2, 5, 114, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (156, 4, 5, 115, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (157, 5, 5, 114, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (158, 6, 1, 116, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (159, 7, 5, 114, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (160, 12, 5, 114, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (161, 6, 1, 123, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (162, 8, 1, 124, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_slot VALUES (163, 6, 1, 125, 0, 0, 0, 0, NULL, false, NULL, 0, NULL, '');
INSERT INTO public.command_source VALUES (0, 'manual');
INSERT INTO public.command_source VALUES (1, 'cron');
INSERT INTO public.command_source VALUES (2, 'stored_procedure');
INSERT INTO public.command_source VALUES (3, 'ml_command');
INSERT INTO public.command_source VALUES (4, 'shell');
INSERT INTO public.command_source VALUES (5, 'python');
INSERT INTO public.command_source VALUES (100, 'spark');
INSERT INTO public.command_stored_procedure_spec VALUES (1, '${env:WAREHOUSE}', 'agg.run', '{"day": "${window.start}"}', NULL);
INSERT INTO public.command_window VALUES (1, 1, '2026-11-20 00:00:00+00', '2026-11-21 00:00:00+00', '2026-11-20');
INSERT INTO public.command_window VALUES (2, 1, '2026-11-21 00:00:00+00', '2026-11-22 00:00:00+00', '2026-11-21');
INSERT INTO public.command_window VALUES (3, 1, '2026-11-22 00:00:00+00', '2026-11-23 00:00:00+00', '2026-11-22');
INSERT INTO public.command_window VALUES (4, 2, '2026-11-20 05:00:00+00', '2026-11-21 05:00:00+00', '2026-11-20');
INSERT INTO public.command_window VALUES (5, 2, '2026-11-21 05:00:00+00', '2026-11-22 05:00:00+00', '2026-11-21');
INSERT INTO public.command_window VALUES (6, 2, '2026-11-22 05:00:00+00', '2026-11-23 05:00:00+00', '2026-11-22');
INSERT INTO public.command_window VALUES (7, 3, '2026-11-19 18:30:00+00', '2026-11-20 18:30:00+00', '2026-11-20');
INSERT INTO public.command_window VALUES (8, 3, '2026-11-20 18:30:00+00', '2026-11-21 18:30:00+00', '2026-11-21');
INSERT INTO public.command_window VALUES (9, 3, '2026-11-21 18:30:00+00', '2026-11-22 18:30:00+00', '2026-11-22');
INSERT INTO public.command_window VALUES (10, 8, '2026-11-20 20:00:00+00', '2026-11-20 21:00:00+00', '2026-11-20T20');
INSERT INTO public.command_window VALUES (11, 8, '2026-11-20 21:00:00+00', '2026-11-20 22:00:00+00', '2026-11-20T21');
INSERT INTO public.command_window VALUES (12, 8, '2026-11-20 22:00:00+00', '2026-11-20 23:00:00+00', '2026-11-20T22');
INSERT INTO public.command_window VALUES (13, 8, '2026-11-20 23:00:00+00', '2026-11-21 00:00:00+00', '2026-11-20T23');
INSERT INTO public.command_window VALUES (14, 8, '2026-11-21 00:00:00+00', '2026-11-21 01:00:00+00', '2026-11-21T00');
INSERT INTO public.command_window VALUES (15, 8, '2026-11-21 01:00:00+00', '2026-11-21 02:00:00+00', '2026-11-21T01');
INSERT INTO public.command_window VALUES (16, 8, '2026-11-21 02:00:00+00', '2026-11-21 03:00:00+00', '2026-11-21T02');
INSERT INTO public.command_window VALUES (17, 8, '2026-11-21 03:00:00+00', '2026-11-21 04:00:00+00', '2026-11-21T03');
INSERT INTO public.command_window VALUES (18, 8, '2026-11-21 04:00:00+00', '2026-11-21 05:00:00+00', '2026-11-21T04');
INSERT INTO public.command_window VALUES (19, 8, '2026-11-21 05:00:00+00', '2026-11-21 06:00:00+00', '2026-11-21T05');
INSERT INTO public.command_window VALUES (20, 8, '2026-11-21 06:00:00+00', '2026-11-21 07:00:00+00', '2026-11-21T06');
INSERT INTO public.command_window VALUES (21, 8, '2026-11-21 07:00:00+00', '2026-11-21 08:00:00+00', '2026-11-21T07');
INSERT INTO public.command_window VALUES (22, 8, '2026-11-21 08:00:00+00', '2026-11-21 09:00:00+00', '2026-11-21T08');
INSERT INTO public.command_window VALUES (23, 8, '2026-11-21 09:00:00+00', '2026-11-21 10:00:00+00', '2026-11-21T09');
INSERT INTO public.command_window VALUES (24, 8, '2026-11-21 10:00:00+00', '2026-11-21 11:00:00+00', '2026-11-21T10');
INSERT INTO public.command_window VALUES (25, 8, '2026-11-21 11:00:00+00', '2026-11-21 12:00:00+00', '2026-11-21T11');
INSERT INTO public.command_window VALUES (26, 8, '2026-11-21 12:00:00+00', '2026-11-21 13:00:00+00', '2026-11-21T12');
INSERT INTO public.command_window VALUES (27, 8, '2026-11-21 13:00:00+00', '2026-11-21 14:00:00+00', '2026-11-21T13');
INSERT INTO public.command_window VALUES (28, 8, '2026-11-21 14:00:00+00', '2026-11-21 15:00:00+00', '2026-11-21T14');
INSERT INTO public.command_window VALUES (29, 8, '2026-11-21 15:00:00+00', '2026-11-21 16:00:00+00', '2026-11-21T15');
INSERT INTO public.command_window VALUES (30, 8, '2026-11-21 16:00:00+00', '2026-11-21 17:00:00+00', '2026-11-21T16');
INSERT INTO public.command_window VALUES (31, 8, '2026-11-21 17:00:00+00', '2026-11-21 18:00:00+00', '2026-11-21T17');
INSERT INTO public.command_window VALUES (32, 8, '2026-11-21 18:00:00+00', '2026-11-21 19:00:00+00', '2026-11-21T18');
INSERT INTO public.command_window VALUES (33, 8, '2026-11-21 19:00:00+00', '2026-11-21 20:00:00+00', '2026-11-21T19');
INSERT INTO public.command_window VALUES (34, 8, '2026-11-21 20:00:00+00', '2026-11-21 21:00:00+00', '2026-11-21T20');
INSERT INTO public.command_window VALUES (35, 8, '2026-11-21 21:00:00+00', '2026-11-21 22:00:00+00', '2026-11-21T21');
INSERT INTO public.command_window VALUES (36, 8, '2026-11-21 22:00:00+00', '2026-11-21 23:00:00+00', '2026-11-21T22');
INSERT INTO public.command_window VALUES (37, 8, '2026-11-21 23:00:00+00', '2026-11-22 00:00:00+00', '2026-11-21T23');
INSERT INTO public.command_window VALUES (38, 8, '2026-11-22 00:00:00+00', '2026-11-22 01:00:00+00', '2026-11-22T00');
INSERT INTO public.command_window VALUES (39, 8, '2026-11-22 01:00:00+00', '2026-11-22 02:00:00+00', '2026-11-22T01');
INSERT INTO public.command_window VALUES (40, 8, '2026-11-22 02:00:00+00', '2026-11-22 03:00:00+00', '2026-11-22T02');
INSERT INTO public.command_window VALUES (41, 8, '2026-11-22 03:00:00+00', '2026-11-22 04:00:00+00', '2026-11-22T03');
INSERT INTO public.command_window VALUES (42, 8, '2026-11-22 04:00:00+00', '2026-11-22 05:00:00+00', '2026-11-22T04');
INSERT INTO public.command_window VALUES (43, 8, '2026-11-22 05:00:00+00', '2026-11-22 06:00:00+00', '2026-11-22T05');
INSERT INTO public.command_window VALUES (44, 8, '2026-11-22 06:00:00+00', '2026-11-22 07:00:00+00', '2026-11-22T06');
INSERT INTO public.command_window VALUES (45, 8, '2026-11-22 07:00:00+00', '2026-11-22 08:00:00+00', '2026-11-22T07');
INSERT INTO public.command_window VALUES (46, 8, '2026-11-22 08:00:00+00', '2026-11-22 09:00:00+00', '2026-11-22T08');
INSERT INTO public.command_window VALUES (47, 8, '2026-11-22 09:00:00+00', '2026-11-22 10:00:00+00', '2026-11-22T09');
INSERT INTO public.command_window VALUES (48, 8, '2026-11-22 10:00:00+00', '2026-11-22 11:00:00+00', '2026-11-22T10');
INSERT INTO public.command_window VALUES (49, 8, '2026-11-22 11:00:00+00', '2026-11-22 12:00:00+00', '2026-11-22T11');
INSERT INTO public.command_window VALUES (50, 9, '2026-11-20 00:00:00+00', '2026-11-20 03:00:00+00', '2026-11-20T00:00');
INSERT INTO public.command_window VALUES (51, 9, '2026-11-20 03:00:00+00', '2026-11-20 06:00:00+00', '2026-11-20T03:00');
INSERT INTO public.command_window VALUES (52, 9, '2026-11-20 06:00:00+00', '2026-11-20 09:00:00+00', '2026-11-20T06:00');
INSERT INTO public.command_window VALUES (53, 9, '2026-11-20 09:00:00+00', '2026-11-20 12:00:00+00', '2026-11-20T09:00');
INSERT INTO public.command_window VALUES (54, 9, '2026-11-20 12:00:00+00', '2026-11-20 15:00:00+00', '2026-11-20T12:00');
INSERT INTO public.command_window VALUES (55, 9, '2026-11-20 15:00:00+00', '2026-11-20 18:00:00+00', '2026-11-20T15:00');
INSERT INTO public.command_window VALUES (56, 9, '2026-11-20 18:00:00+00', '2026-11-20 21:00:00+00', '2026-11-20T18:00');
INSERT INTO public.command_window VALUES (57, 9, '2026-11-20 21:00:00+00', '2026-11-21 00:00:00+00', '2026-11-20T21:00');
INSERT INTO public.command_window VALUES (58, 9, '2026-11-21 00:00:00+00', '2026-11-21 03:00:00+00', '2026-11-21T00:00');
INSERT INTO public.command_window VALUES (59, 9, '2026-11-21 03:00:00+00', '2026-11-21 06:00:00+00', '2026-11-21T03:00');
INSERT INTO public.command_window VALUES (60, 9, '2026-11-21 06:00:00+00', '2026-11-21 09:00:00+00', '2026-11-21T06:00');
INSERT INTO public.command_window VALUES (61, 9, '2026-11-21 09:00:00+00', '2026-11-21 12:00:00+00', '2026-11-21T09:00');
INSERT INTO public.command_window VALUES (62, 9, '2026-11-21 12:00:00+00', '2026-11-21 15:00:00+00', '2026-11-21T12:00');
INSERT INTO public.command_window VALUES (63, 9, '2026-11-21 15:00:00+00', '2026-11-21 18:00:00+00', '2026-11-21T15:00');
INSERT INTO public.command_window VALUES (64, 9, '2026-11-21 18:00:00+00', '2026-11-21 21:00:00+00', '2026-11-21T18:00');
INSERT INTO public.command_window VALUES (65, 9, '2026-11-21 21:00:00+00', '2026-11-22 00:00:00+00', '2026-11-21T21:00');
INSERT INTO public.command_window VALUES (66, 9, '2026-11-22 00:00:00+00', '2026-11-22 03:00:00+00', '2026-11-22T00:00');
INSERT INTO public.command_window VALUES (67, 9, '2026-11-22 03:00:00+00', '2026-11-22 06:00:00+00', '2026-11-22T03:00');
INSERT INTO public.command_window VALUES (68, 9, '2026-11-22 06:00:00+00', '2026-11-22 09:00:00+00', '2026-11-22T06:00');
INSERT INTO public.command_window VALUES (69, 9, '2026-11-22 09:00:00+00', '2026-11-22 12:00:00+00', '2026-11-22T09:00');
INSERT INTO public.command_window VALUES (70, 10, '2026-11-20 00:00:00+00', '2026-11-20 00:00:00+00', 'once');
INSERT INTO public.command_window VALUES (71, 11, '2026-11-20 00:00:00+00', '2026-11-21 00:00:00+00', '2026-11-20');
INSERT INTO public.command_window VALUES (72, 11, '2026-11-21 00:00:00+00', '2026-11-22 00:00:00+00', '2026-11-21');
INSERT INTO public.command_window VALUES (73, 11, '2026-11-22 00:00:00+00', '2026-11-23 00:00:00+00', '2026-11-22');
INSERT INTO public.command_window VALUES (74, 8, '2026-11-22 12:00:00+00', '2026-11-22 13:00:00+00', '2026-11-22T12');
INSERT INTO public.command_window VALUES (75, 9, '2026-11-22 12:00:00+00', '2026-11-22 15:00:00+00', '2026-11-22T12:00');
INSERT INTO public.command_window VALUES (76, 8, '2026-11-22 13:00:00+00', '2026-11-22 14:00:00+00', '2026-11-22T13');
INSERT INTO public.command_window VALUES (77, 8, '2026-11-22 14:00:00+00', '2026-11-22 15:00:00+00', '2026-11-22T14');
INSERT INTO public.command_window VALUES (78, 8, '2026-11-22 15:00:00+00', '2026-11-22 16:00:00+00', '2026-11-22T15');
INSERT INTO public.command_window VALUES (79, 9, '2026-11-22 15:00:00+00', '2026-11-22 18:00:00+00', '2026-11-22T15:00');
INSERT INTO public.command_window VALUES (80, 8, '2026-11-22 16:00:00+00', '2026-11-22 17:00:00+00', '2026-11-22T16');
INSERT INTO public.command_window VALUES (81, 8, '2026-11-22 17:00:00+00', '2026-11-22 18:00:00+00', '2026-11-22T17');
INSERT INTO public.command_window VALUES (82, 3, '2026-11-22 18:30:00+00', '2026-11-23 18:30:00+00', '2026-11-23');
INSERT INTO public.command_window VALUES (83, 7, '2026-11-22 18:30:00+00', '2026-11-29 18:30:00+00', '2026-W48');
INSERT INTO public.command_window VALUES (84, 8, '2026-11-22 18:00:00+00', '2026-11-22 19:00:00+00', '2026-11-22T18');
INSERT INTO public.command_window VALUES (85, 9, '2026-11-22 18:00:00+00', '2026-11-22 21:00:00+00', '2026-11-22T18:00');
INSERT INTO public.command_window VALUES (86, 3, '2026-11-23 18:30:00+00', '2026-11-24 18:30:00+00', '2026-11-24');
INSERT INTO public.command_window VALUES (87, 3, '2026-11-24 18:30:00+00', '2026-11-25 18:30:00+00', '2026-11-25');
INSERT INTO public.command_window VALUES (88, 3, '2026-11-25 18:30:00+00', '2026-11-26 18:30:00+00', '2026-11-26');
INSERT INTO public.command_window VALUES (89, 3, '2026-11-26 18:30:00+00', '2026-11-27 18:30:00+00', '2026-11-27');
INSERT INTO public.command_window VALUES (90, 3, '2026-11-27 18:30:00+00', '2026-11-28 18:30:00+00', '2026-11-28');
INSERT INTO public.command_window VALUES (91, 3, '2026-11-28 18:30:00+00', '2026-11-29 18:30:00+00', '2026-11-29');
INSERT INTO public.command_window VALUES (92, 8, '2026-11-22 19:00:00+00', '2026-11-22 20:00:00+00', '2026-11-22T19');
INSERT INTO public.command_window VALUES (93, 8, '2026-11-22 20:00:00+00', '2026-11-22 21:00:00+00', '2026-11-22T20');
INSERT INTO public.command_window VALUES (94, 8, '2026-11-22 21:00:00+00', '2026-11-22 22:00:00+00', '2026-11-22T21');
INSERT INTO public.command_window VALUES (95, 9, '2026-11-22 21:00:00+00', '2026-11-23 00:00:00+00', '2026-11-22T21:00');
INSERT INTO public.command_window VALUES (96, 8, '2026-11-22 22:00:00+00', '2026-11-22 23:00:00+00', '2026-11-22T22');
INSERT INTO public.command_window VALUES (97, 8, '2026-11-22 23:00:00+00', '2026-11-23 00:00:00+00', '2026-11-22T23');
INSERT INTO public.command_window VALUES (98, 1, '2026-11-23 00:00:00+00', '2026-11-24 00:00:00+00', '2026-11-23');
INSERT INTO public.command_window VALUES (99, 5, '2026-11-23 00:00:00+00', '2026-11-30 00:00:00+00', '2026-W48');
INSERT INTO public.command_window VALUES (100, 8, '2026-11-23 00:00:00+00', '2026-11-23 01:00:00+00', '2026-11-23T00');
INSERT INTO public.command_window VALUES (101, 9, '2026-11-23 00:00:00+00', '2026-11-23 03:00:00+00', '2026-11-23T00:00');
INSERT INTO public.command_window VALUES (102, 11, '2026-11-23 00:00:00+00', '2026-11-24 00:00:00+00', '2026-11-23');
INSERT INTO public.command_window VALUES (103, 1, '2026-11-24 00:00:00+00', '2026-11-25 00:00:00+00', '2026-11-24');
INSERT INTO public.command_window VALUES (104, 1, '2026-11-25 00:00:00+00', '2026-11-26 00:00:00+00', '2026-11-25');
INSERT INTO public.command_window VALUES (105, 1, '2026-11-26 00:00:00+00', '2026-11-27 00:00:00+00', '2026-11-26');
INSERT INTO public.command_window VALUES (106, 1, '2026-11-27 00:00:00+00', '2026-11-28 00:00:00+00', '2026-11-27');
INSERT INTO public.command_window VALUES (107, 1, '2026-11-28 00:00:00+00', '2026-11-29 00:00:00+00', '2026-11-28');
INSERT INTO public.command_window VALUES (108, 1, '2026-11-29 00:00:00+00', '2026-11-30 00:00:00+00', '2026-11-29');
INSERT INTO public.command_window VALUES (109, 8, '2026-11-23 01:00:00+00', '2026-11-23 02:00:00+00', '2026-11-23T01');
INSERT INTO public.command_window VALUES (110, 8, '2026-11-23 02:00:00+00', '2026-11-23 03:00:00+00', '2026-11-23T02');
INSERT INTO public.command_window VALUES (111, 8, '2026-11-23 03:00:00+00', '2026-11-23 04:00:00+00', '2026-11-23T03');
INSERT INTO public.command_window VALUES (112, 9, '2026-11-23 03:00:00+00', '2026-11-23 06:00:00+00', '2026-11-23T03:00');
INSERT INTO public.command_window VALUES (113, 8, '2026-11-23 04:00:00+00', '2026-11-23 05:00:00+00', '2026-11-23T04');
INSERT INTO public.command_window VALUES (114, 2, '2026-11-23 05:00:00+00', '2026-11-24 05:00:00+00', '2026-11-23');
INSERT INTO public.command_window VALUES (115, 6, '2026-11-23 05:00:00+00', '2026-11-30 05:00:00+00', '2026-W48');
INSERT INTO public.command_window VALUES (116, 8, '2026-11-23 05:00:00+00', '2026-11-23 06:00:00+00', '2026-11-23T05');
INSERT INTO public.command_window VALUES (117, 2, '2026-11-24 05:00:00+00', '2026-11-25 05:00:00+00', '2026-11-24');
INSERT INTO public.command_window VALUES (118, 2, '2026-11-25 05:00:00+00', '2026-11-26 05:00:00+00', '2026-11-25');
INSERT INTO public.command_window VALUES (119, 2, '2026-11-26 05:00:00+00', '2026-11-27 05:00:00+00', '2026-11-26');
INSERT INTO public.command_window VALUES (120, 2, '2026-11-27 05:00:00+00', '2026-11-28 05:00:00+00', '2026-11-27');
INSERT INTO public.command_window VALUES (121, 2, '2026-11-28 05:00:00+00', '2026-11-29 05:00:00+00', '2026-11-28');
INSERT INTO public.command_window VALUES (122, 2, '2026-11-29 05:00:00+00', '2026-11-30 05:00:00+00', '2026-11-29');
INSERT INTO public.command_window VALUES (123, 8, '2026-11-23 06:00:00+00', '2026-11-23 07:00:00+00', '2026-11-23T06');
INSERT INTO public.command_window VALUES (124, 9, '2026-11-23 06:00:00+00', '2026-11-23 09:00:00+00', '2026-11-23T06:00');
INSERT INTO public.command_window VALUES (125, 8, '2026-11-23 07:00:00+00', '2026-11-23 08:00:00+00', '2026-11-23T07');
INSERT INTO public.command_window_relation VALUES (1, 1, 1);
INSERT INTO public.command_window_relation VALUES (1, 2, 2);
INSERT INTO public.command_window_relation VALUES (1, 3, 3);
INSERT INTO public.command_window_relation VALUES (1, 4, 4);
INSERT INTO public.command_window_relation VALUES (1, 5, 5);
INSERT INTO public.command_window_relation VALUES (1, 6, 6);
INSERT INTO public.command_window_relation VALUES (1, 7, 7);
INSERT INTO public.command_window_relation VALUES (1, 8, 8);
INSERT INTO public.command_window_relation VALUES (1, 9, 9);
INSERT INTO public.command_window_relation VALUES (0, 83, 82);
INSERT INTO public.command_window_relation VALUES (0, 83, 86);
INSERT INTO public.command_window_relation VALUES (0, 83, 87);
INSERT INTO public.command_window_relation VALUES (0, 83, 88);
INSERT INTO public.command_window_relation VALUES (0, 83, 89);
INSERT INTO public.command_window_relation VALUES (0, 83, 90);
INSERT INTO public.command_window_relation VALUES (0, 83, 91);
INSERT INTO public.command_window_relation VALUES (1, 82, 82);
INSERT INTO public.command_window_relation VALUES (0, 99, 98);
INSERT INTO public.command_window_relation VALUES (0, 99, 103);
INSERT INTO public.command_window_relation VALUES (0, 99, 104);
INSERT INTO public.command_window_relation VALUES (0, 99, 105);
INSERT INTO public.command_window_relation VALUES (0, 99, 106);
INSERT INTO public.command_window_relation VALUES (0, 99, 107);
INSERT INTO public.command_window_relation VALUES (0, 99, 108);
INSERT INTO public.command_window_relation VALUES (1, 98, 98);
INSERT INTO public.command_window_relation VALUES (0, 115, 114);
INSERT INTO public.command_window_relation VALUES (0, 115, 117);
INSERT INTO public.command_window_relation VALUES (0, 115, 118);
INSERT INTO public.command_window_relation VALUES (0, 115, 119);
INSERT INTO public.command_window_relation VALUES (0, 115, 120);
INSERT INTO public.command_window_relation VALUES (0, 115, 121);
INSERT INTO public.command_window_relation VALUES (0, 115, 122);
INSERT INTO public.command_window_relation VALUES (1, 114, 114);
SELECT pg_catalog.setval('public.command_agent_session_id_seq', 1, true);
SELECT pg_catalog.setval('public.command_calendar_id_seq', 11, true);
SELECT pg_catalog.setval('public.command_definition_id_seq', 12, true);
SELECT pg_catalog.setval('public.command_engine_state_id_seq', 1, false);
SELECT pg_catalog.setval('public.command_event_id_seq', 48, true);
SELECT pg_catalog.setval('public.command_late_report_id_seq', 4, true);
SELECT pg_catalog.setval('public.command_matrix_id_seq', 1, false);
SELECT pg_catalog.setval('public.command_member_id_seq', 9, true);
SELECT pg_catalog.setval('public.command_run_id_seq', 23, true);
SELECT pg_catalog.setval('public.command_slot_id_seq', 163, true);
SELECT pg_catalog.setval('public.command_source_id_seq', 1, false);
SELECT pg_catalog.setval('public.command_window_id_seq', 125, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.command_agent
    ADD CONSTRAINT command_agent_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.command_agent_session
    ADD CONSTRAINT command_agent_session_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.command_calendar
    ADD CONSTRAINT command_calendar_frequency_expression_timezone_key UNIQUE (frequency, expression, timezone);
ALTER TABLE ONLY public.command_calendar
    ADD CONSTRAINT command_calendar_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.command_calendar_relation
    ADD CONSTRAINT command_calendar_relation_pkey PRIMARY KEY (window_rule, child_calendar_id, parent_calendar_id);
ALTER TABLE ONLY public.command_confirmation
    ADD CONSTRAINT command_confirmation_pkey PRIMARY KEY (source_token);
ALTER TABLE ONLY public.command_cron_spec
    ADD CONSTRAINT command_cron_spec_pkey PRIMARY KEY (definition_id);
ALTER TABLE ONLY public.command_definition_calendar
    ADD CONSTRAINT command_definition_calendar_pkey PRIMARY KEY (definition_id, calendar_id);
ALTER TABLE ONLY public.command_definition_dependency
    ADD CONSTRAINT command_definition_dependency_pkey PRIMARY KEY (parent_id, child_id);
ALTER TABLE ONLY public.command_definition
    ADD CONSTRAINT command_definition_name_key UNIQUE (name);
ALTER TABLE ONLY public.command_definition
    ADD CONSTRAINT command_definition_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.command_definition_pool
    ADD CONSTRAINT command_definition_pool_pkey PRIMARY KEY (definition_id, pool_name);
ALTER TABLE ONLY public.command_definition_reads
    ADD CONSTRAINT command_definition_reads_pkey PRIMARY KEY (definition_id, table_name);
ALTER TABLE ONLY public.command_definition_writes
    ADD CONSTRAINT command_definition_writes_pkey PRIMARY KEY (definition_id, table_name);
ALTER TABLE ONLY public.command_engine_state
    ADD CONSTRAINT command_engine_state_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.command_event
    ADD CONSTRAINT command_event_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.command_late_report
    ADD CONSTRAINT command_late_report_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.command_late_report
    ADD CONSTRAINT command_late_report_run_id_completion_id_key UNIQUE (run_id, completion_id);
ALTER TABLE ONLY public.command_log_chunk
    ADD CONSTRAINT command_log_chunk_pkey PRIMARY KEY (run_id, stream, "offset");
ALTER TABLE ONLY public.command_log_stream
    ADD CONSTRAINT command_log_stream_pkey PRIMARY KEY (run_id, stream);
ALTER TABLE ONLY public.command_matrix
    ADD CONSTRAINT command_matrix_name_key UNIQUE (name);
ALTER TABLE ONLY public.command_matrix
    ADD CONSTRAINT command_matrix_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.command_member_ancestor
    ADD CONSTRAINT command_member_ancestor_pkey PRIMARY KEY (member_id, ancestor_matrix_id);
ALTER TABLE ONLY public.command_member
    ADD CONSTRAINT command_member_matrix_id_path_key UNIQUE (matrix_id, path);
ALTER TABLE ONLY public.command_member
    ADD CONSTRAINT command_member_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.command_ml_command_spec
    ADD CONSTRAINT command_ml_command_spec_pkey PRIMARY KEY (definition_id);
ALTER TABLE ONLY public.command_plugin_spec
    ADD CONSTRAINT command_plugin_spec_pkey PRIMARY KEY (definition_id);
ALTER TABLE ONLY public.command_pool
    ADD CONSTRAINT command_pool_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.command_python_spec
    ADD CONSTRAINT command_python_spec_pkey PRIMARY KEY (definition_id);
ALTER TABLE ONLY public.command_run
    ADD CONSTRAINT command_run_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.command_run
    ADD CONSTRAINT command_run_slot_id_attempt_key UNIQUE (slot_id, attempt);
ALTER TABLE ONLY public.command_shell_spec
    ADD CONSTRAINT command_shell_spec_pkey PRIMARY KEY (definition_id);
ALTER TABLE ONLY public.command_slot
    ADD CONSTRAINT command_slot_definition_id_window_id_member_id_key UNIQUE (definition_id, window_id, member_id);
ALTER TABLE ONLY public.command_slot
    ADD CONSTRAINT command_slot_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.command_source
    ADD CONSTRAINT command_source_name_key UNIQUE (name);
ALTER TABLE ONLY public.command_source
    ADD CONSTRAINT command_source_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.command_stored_procedure_spec
    ADD CONSTRAINT command_stored_procedure_spec_pkey PRIMARY KEY (definition_id);
ALTER TABLE ONLY public.command_window
    ADD CONSTRAINT command_window_calendar_id_starts_at_key UNIQUE (calendar_id, starts_at);
ALTER TABLE ONLY public.command_window
    ADD CONSTRAINT command_window_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.command_window_relation
    ADD CONSTRAINT command_window_relation_pkey PRIMARY KEY (window_rule, child_window_id, parent_window_id);
CREATE INDEX command_agent_session_agent_idx ON public.command_agent_session USING btree (agent);
CREATE INDEX command_definition_dependency_child_id_idx ON public.command_definition_dependency USING btree (child_id);
CREATE INDEX command_member_account_id_idx ON public.command_member USING btree (account_id);
CREATE INDEX command_member_ancestor_ancestor_idx ON public.command_member_ancestor USING btree (ancestor_id, member_matrix_id, member_id);
CREATE INDEX command_member_arrival_idx ON public.command_member USING btree (matrix_id, timezone, arrival);
CREATE INDEX command_member_parent_id_idx ON public.command_member USING btree (parent_id);
CREATE UNIQUE INDEX command_run_live_idx ON public.command_run USING btree (slot_id) WHERE (status = ANY (ARRAY[0, 1]));
CREATE INDEX command_run_running_idx ON public.command_run USING btree (agent) WHERE (status = 1);
CREATE INDEX command_run_waiting_idx ON public.command_run USING btree (source_id, priority DESC, id) WHERE (status = 0);
CREATE INDEX command_slot_active_idx ON public.command_slot USING btree (definition_id) WHERE (state = 1);
CREATE INDEX command_slot_decided_at_idx ON public.command_slot USING btree (decided_at);
CREATE INDEX command_slot_member_idx ON public.command_slot USING btree (member_id, definition_id);
CREATE INDEX command_slot_skipped_idx ON public.command_slot USING btree (definition_id) WHERE (state = 4);
CREATE INDEX command_slot_undecided_idx ON public.command_slot USING btree (window_id, definition_id) WHERE (state = 0);
CREATE INDEX command_window_ends_at_idx ON public.command_window USING btree (ends_at);
CREATE INDEX command_window_label_idx ON public.command_window USING btree (label);
CREATE INDEX command_window_relation_parent_window_id_idx ON public.command_window_relation USING btree (parent_window_id);
ALTER TABLE ONLY public.command_calendar_relation
    ADD CONSTRAINT command_calendar_relation_child_calendar_id_fkey FOREIGN KEY (child_calendar_id) REFERENCES public.command_calendar(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_calendar_relation
    ADD CONSTRAINT command_calendar_relation_parent_calendar_id_fkey FOREIGN KEY (parent_calendar_id) REFERENCES public.command_calendar(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_cron_spec
    ADD CONSTRAINT command_cron_spec_definition_id_fkey FOREIGN KEY (definition_id) REFERENCES public.command_definition(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_definition_calendar
    ADD CONSTRAINT command_definition_calendar_calendar_id_fkey FOREIGN KEY (calendar_id) REFERENCES public.command_calendar(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_definition_calendar
    ADD CONSTRAINT command_definition_calendar_definition_id_fkey FOREIGN KEY (definition_id) REFERENCES public.command_definition(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_definition_dependency
    ADD CONSTRAINT command_definition_dependency_child_id_fkey FOREIGN KEY (child_id) REFERENCES public.command_definition(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_definition_dependency
    ADD CONSTRAINT command_definition_dependency_common_matrix_id_fkey FOREIGN KEY (common_matrix_id) REFERENCES public.command_matrix(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_definition_dependency
    ADD CONSTRAINT command_definition_dependency_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES public.command_definition(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_definition
    ADD CONSTRAINT command_definition_matrix_id_fkey FOREIGN KEY (matrix_id) REFERENCES public.command_matrix(id);
ALTER TABLE ONLY public.command_definition_pool
    ADD CONSTRAINT command_definition_pool_definition_id_fkey FOREIGN KEY (definition_id) REFERENCES public.command_definition(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_definition_reads
    ADD CONSTRAINT command_definition_reads_definition_id_fkey FOREIGN KEY (definition_id) REFERENCES public.command_definition(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_definition
    ADD CONSTRAINT command_definition_source_id_fkey FOREIGN KEY (source_id) REFERENCES public.command_source(id);
ALTER TABLE ONLY public.command_definition_writes
    ADD CONSTRAINT command_definition_writes_definition_id_fkey FOREIGN KEY (definition_id) REFERENCES public.command_definition(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_late_report
    ADD CONSTRAINT command_late_report_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.command_run(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_log_chunk
    ADD CONSTRAINT command_log_chunk_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.command_run(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_log_stream
    ADD CONSTRAINT command_log_stream_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.command_run(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_matrix
    ADD CONSTRAINT command_matrix_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES public.command_matrix(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_member
    ADD CONSTRAINT command_member_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.command_member(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_member_ancestor
    ADD CONSTRAINT command_member_ancestor_ancestor_id_fkey FOREIGN KEY (ancestor_id) REFERENCES public.command_member(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_member_ancestor
    ADD CONSTRAINT command_member_ancestor_member_id_fkey FOREIGN KEY (member_id) REFERENCES public.command_member(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_member
    ADD CONSTRAINT command_member_matrix_id_fkey FOREIGN KEY (matrix_id) REFERENCES public.command_matrix(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_member
    ADD CONSTRAINT command_member_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES public.command_member(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_ml_command_spec
    ADD CONSTRAINT command_ml_command_spec_definition_id_fkey FOREIGN KEY (definition_id) REFERENCES public.command_definition(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_plugin_spec
    ADD CONSTRAINT command_plugin_spec_definition_id_fkey FOREIGN KEY (definition_id) REFERENCES public.command_definition(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_python_spec
    ADD CONSTRAINT command_python_spec_definition_id_fkey FOREIGN KEY (definition_id) REFERENCES public.command_definition(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_run
    ADD CONSTRAINT command_run_slot_id_fkey FOREIGN KEY (slot_id) REFERENCES public.command_slot(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_shell_spec
    ADD CONSTRAINT command_shell_spec_definition_id_fkey FOREIGN KEY (definition_id) REFERENCES public.command_definition(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_slot
    ADD CONSTRAINT command_slot_definition_id_fkey FOREIGN KEY (definition_id) REFERENCES public.command_definition(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_slot
    ADD CONSTRAINT command_slot_member_id_fkey FOREIGN KEY (member_id) REFERENCES public.command_member(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_slot
    ADD CONSTRAINT command_slot_window_id_fkey FOREIGN KEY (window_id) REFERENCES public.command_window(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_stored_procedure_spec
    ADD CONSTRAINT command_stored_procedure_spec_definition_id_fkey FOREIGN KEY (definition_id) REFERENCES public.command_definition(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_window
    ADD CONSTRAINT command_window_calendar_id_fkey FOREIGN KEY (calendar_id) REFERENCES public.command_calendar(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_window_relation
    ADD CONSTRAINT command_window_relation_child_window_id_fkey FOREIGN KEY (child_window_id) REFERENCES public.command_window(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.command_window_relation
    ADD CONSTRAINT command_window_relation_parent_window_id_fkey FOREIGN KEY (parent_window_id) REFERENCES public.command_window(id) ON DELETE CASCADE;
