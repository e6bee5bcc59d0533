BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE command_agent (
	name TEXT NOT NULL, 
	instance TEXT NOT NULL, 
	session INTEGER NOT NULL, 
	host TEXT NOT NULL, 
	pid INTEGER NOT NULL, 
	version TEXT NOT NULL, 
	capacities JSON NOT NULL, 
	registered_at DATETIME NOT NULL, 
	heartbeat_at DATETIME NOT NULL, 
	CONSTRAINT command_agent_pkey PRIMARY KEY (name)
);
INSERT INTO "command_agent" VALUES('etl-1','a4b1',1,'etl',4711,'0.1.0','{"shell": 50, "cron": 50, "stored_procedure": 50, "ml_command": 50, "python": 50}','2026-11-20 12:00:00.000000','2026-11-20 12:00:00.000000');
CREATE TABLE command_agent_session (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	agent TEXT NOT NULL
);
INSERT INTO "command_agent_session" VALUES(1,'etl-1');
CREATE TABLE command_calendar (
	id INTEGER NOT NULL, 
	frequency SMALLINT NOT NULL, 
	expression TEXT NOT NULL, 
	timezone TEXT NOT NULL, 
	CONSTRAINT command_calendar_pkey PRIMARY KEY (id), 
	CONSTRAINT command_calendar_frequency_expression_timezone_key UNIQUE (frequency, expression, timezone)
);
INSERT INTO "command_calendar" VALUES(1,1,'','+05:30');
INSERT INTO "command_calendar" VALUES(2,1,'','America/New_York');
INSERT INTO "command_calendar" VALUES(3,1,'','Europe/London');
INSERT INTO "command_calendar" VALUES(4,3,'','UTC');
INSERT INTO "command_calendar" VALUES(5,2,'','+05:30');
INSERT INTO "command_calendar" VALUES(6,2,'','America/New_York');
INSERT INTO "command_calendar" VALUES(7,2,'','Europe/London');
INSERT INTO "command_calendar" VALUES(8,0,'','UTC');
INSERT INTO "command_calendar" VALUES(9,5,'0 */3 * * *','UTC');
INSERT INTO "command_calendar" VALUES(10,4,'2026-11-20T00:00:00+00:00','UTC');
INSERT INTO "command_calendar" VALUES(11,1,'','UTC');
CREATE TABLE command_calendar_relation (
	window_rule SMALLINT NOT NULL, 
	child_calendar_id INTEGER NOT NULL, 
	parent_calendar_id INTEGER NOT NULL, 
	related_from DATETIME NOT NULL, 
	related_until DATETIME NOT NULL, 
	CONSTRAINT command_calendar_relation_pkey PRIMARY KEY (window_rule, child_calendar_id, parent_calendar_id), 
	CONSTRAINT command_calendar_relation_child_calendar_id_fkey FOREIGN KEY(child_calendar_id) REFERENCES command_calendar (id) ON DELETE CASCADE, 
	CONSTRAINT command_calendar_relation_parent_calendar_id_fkey FOREIGN KEY(parent_calendar_id) REFERENCES command_calendar (id) ON DELETE CASCADE
);
INSERT INTO "command_calendar_relation" VALUES(0,4,1,'2026-11-20 00:00:00.000000','2026-11-20 00:00:00.000000');
INSERT INTO "command_calendar_relation" VALUES(0,4,2,'2026-11-20 00:00:00.000000','2026-11-20 00:00:00.000000');
INSERT INTO "command_calendar_relation" VALUES(0,4,3,'2026-11-20 00:00:00.000000','2026-11-20 00:00:00.000000');
INSERT INTO "command_calendar_relation" VALUES(0,5,1,'2026-11-19 18:30:00.000000','2026-11-29 18:30:00.000000');
INSERT INTO "command_calendar_relation" VALUES(0,6,2,'2026-11-20 05:00:00.000000','2026-11-30 05:00:00.000000');
INSERT INTO "command_calendar_relation" VALUES(0,7,3,'2026-11-20 00:00:00.000000','2026-11-30 00:00:00.000000');
INSERT INTO "command_calendar_relation" VALUES(1,1,1,'2026-11-19 18:30:00.000000','2026-11-23 18:30:00.000000');
INSERT INTO "command_calendar_relation" VALUES(1,2,2,'2026-11-20 05:00:00.000000','2026-11-24 05:00:00.000000');
INSERT INTO "command_calendar_relation" VALUES(1,3,3,'2026-11-20 00:00:00.000000','2026-11-24 00:00:00.000000');
CREATE TABLE command_confirmation (
	source_token TEXT NOT NULL, 
	names JSON NOT NULL, 
	confirmed BOOLEAN NOT NULL, 
	CONSTRAINT command_confirmation_pkey PRIMARY KEY (source_token)
);
INSERT INTO "command_confirmation" VALUES('definitions of files','["apology", "closing", "going", "ledger", "often", "once"]',0);
CREATE TABLE command_cron_spec (
	definition_id INTEGER NOT NULL, 
	project TEXT, 
	settings TEXT, 
	command TEXT, 
	arguments JSON, 
	python TEXT, 
	environment JSON, 
	CONSTRAINT command_cron_spec_pkey PRIMARY KEY (definition_id), 
	CONSTRAINT command_cron_spec_definition_id_fkey FOREIGN KEY(definition_id) REFERENCES command_definition (id) ON DELETE CASCADE
);
INSERT INTO "command_cron_spec" VALUES(12,'shop',NULL,'sync','["--day", "${window.label}"]',NULL,NULL);
CREATE TABLE command_definition (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	source_id SMALLINT NOT NULL, 
	matrix_id SMALLINT NOT NULL, 
	source_token TEXT NOT NULL, 
	frequency SMALLINT NOT NULL, 
	expression TEXT DEFAULT '' NOT NULL, 
	start_policy SMALLINT NOT NULL, 
	retry_kind SMALLINT NOT NULL, 
	retry_parameters JSON NOT NULL, 
	starts_on TEXT DEFAULT '' NOT NULL, 
	ends_on TEXT DEFAULT '' NOT NULL, 
	active BOOLEAN NOT NULL, 
	paused BOOLEAN DEFAULT 0 NOT NULL, 
	priority INTEGER NOT NULL, 
	timeout_s FLOAT, 
	delay_s FLOAT NOT NULL, 
	max_running INTEGER, 
	max_running_account INTEGER, 
	catchup SMALLINT NOT NULL, 
	catchup_max_age_s FLOAT, 
	serial BOOLEAN DEFAULT 0 NOT NULL, 
	description TEXT NOT NULL, 
	place TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	created DATETIME NOT NULL, 
	CONSTRAINT command_definition_pkey PRIMARY KEY (id), 
	CONSTRAINT command_definition_matrix_id_fkey FOREIGN KEY(matrix_id) REFERENCES command_matrix (id), 
	CONSTRAINT command_definition_source_id_fkey FOREIGN KEY(source_id) REFERENCES command_source (id), 
	CONSTRAINT command_definition_name_key UNIQUE (name)
);
INSERT INTO "command_definition" VALUES(1,'aggregate',2,1,'files',1,'',1,0,'{"attempts": null, "base_s": 60.0, "factor": 2.0, "cap_s": 3600.0, "jitter": 0.0, "deadline_s": 0.0}','2026-11-20','',1,0,0,NULL,0.0,NULL,NULL,0,NULL,0,'','','4f17115651c505acbc1a38401b16ca51','2026-11-20 12:00:00.000000');
INSERT INTO "command_definition" VALUES(2,'apology',4,1,'files',1,'',2,0,'{"attempts": null, "base_s": 60.0, "factor": 2.0, "cap_s": 3600.0, "jitter": 0.0, "deadline_s": 0.0}','2026-11-20','',1,0,0,NULL,0.0,NULL,NULL,0,NULL,0,'','','2906339558cc87f35871da2dd9144198','2026-11-20 12:00:00.000000');
INSERT INTO "command_definition" VALUES(3,'closing',4,0,'files',3,'',0,0,'{"attempts": null, "base_s": 60.0, "factor": 2.0, "cap_s": 3600.0, "jitter": 0.0, "deadline_s": 0.0}','2026-11-20','',1,0,0,NULL,3600.0,NULL,NULL,0,NULL,0,'','','1dae083b0d62d0fa1bb44381f8eb8d73','2026-11-20 12:00:00.000000');
INSERT INTO "command_definition" VALUES(4,'forecast',3,1,'files',2,'',0,2,'{"attempts": 5, "base_s": 60.0, "factor": 2.0, "cap_s": 3600.0, "jitter": 0.0, "deadline_s": 0.0}','2026-11-20','',1,0,0,NULL,0.0,NULL,NULL,0,NULL,0,'','','834f344d19370528d0f7e7b59d17aeb8','2026-11-20 12:00:00.000000');
INSERT INTO "command_definition" VALUES(5,'going',4,1,'files',1,'',0,0,'{"attempts": 1, "base_s": 60.0, "factor": 2.0, "cap_s": 3600.0, "jitter": 0.0, "deadline_s": 0.0}','2026-11-20','',1,0,0,NULL,0.0,NULL,NULL,0,NULL,0,'','','2cad018a26db3139abe5cc72ddbe3d53','2026-11-20 12:00:00.000000');
INSERT INTO "command_definition" VALUES(6,'ledger',4,0,'files',0,'',0,0,'{"attempts": null, "base_s": 60.0, "factor": 2.0, "cap_s": 3600.0, "jitter": 0.0, "deadline_s": 0.0}','2026-11-20T20:00:00+00:00','',1,0,0,NULL,0.0,NULL,NULL,0,NULL,1,'','','bae84e664369443996c51915c1ea4ee4','2026-11-20 12:00:00.000000');
INSERT INTO "command_definition" VALUES(7,'load',4,1,'files',1,'',0,0,'{"attempts": null, "base_s": 60.0, "factor": 2.0, "cap_s": 3600.0, "jitter": 0.0, "deadline_s": 0.0}','2026-11-20','',1,0,5,7200.0,0.0,NULL,NULL,0,NULL,0,'','','f116d97f62584c6461587230908b10d6','2026-11-20 12:00:00.000000');
INSERT INTO "command_definition" VALUES(8,'often',4,0,'files',5,'0 */3 * * *',0,0,'{"attempts": null, "base_s": 60.0, "factor": 2.0, "cap_s": 3600.0, "jitter": 0.0, "deadline_s": 0.0}','2026-11-20','',1,0,0,NULL,0.0,NULL,NULL,1,NULL,0,'','','1352097086b38d5019320107e092a7f0','2026-11-20 12:00:00.000000');
INSERT INTO "command_definition" VALUES(9,'once',4,0,'files',4,'',0,0,'{"attempts": null, "base_s": 60.0, "factor": 2.0, "cap_s": 3600.0, "jitter": 0.0, "deadline_s": 0.0}','2026-11-20','',1,0,0,NULL,0.0,NULL,NULL,0,NULL,0,'','','34ec0bc37fc189435251236afd00d072','2026-11-20 12:00:00.000000');
INSERT INTO "command_definition" VALUES(10,'rank',5,2,'files',1,'',0,0,'{"attempts": null, "base_s": 60.0, "factor": 2.0, "cap_s": 3600.0, "jitter": 0.0, "deadline_s": 0.0}','2026-11-20','',1,0,0,NULL,0.0,NULL,NULL,0,NULL,0,'','','5fb0ae719944907e57688567d77afd7d','2026-11-20 12:00:00.000000');
INSERT INTO "command_definition" VALUES(11,'regional',100,3,'files',1,'',0,0,'{"attempts": null, "base_s": 60.0, "factor": 2.0, "cap_s": 3600.0, "jitter": 0.0, "deadline_s": 0.0}','2026-11-20','',1,0,0,NULL,0.0,NULL,NULL,0,NULL,0,'','','cf0f62f4d13c5af31152d75775dedda0','2026-11-20 12:00:00.000000');
INSERT INTO "command_definition" VALUES(12,'sync',1,1,'files',1,'',0,0,'{"attempts": null, "base_s": 60.0, "factor": 2.0, "cap_s": 3600.0, "jitter": 0.0, "deadline_s": 0.0}','2026-11-20','',1,0,0,NULL,0.0,4,1,0,NULL,0,'','','969e857cb7d7b23268dbf61f3d35e0fd','2026-11-20 12:00:00.000000');
CREATE TABLE command_definition_calendar (
	definition_id INTEGER NOT NULL, 
	calendar_id INTEGER NOT NULL, 
	starts_at DATETIME NOT NULL, 
	ends_at DATETIME, 
	slots_until DATETIME NOT NULL, 
	member_watermark INTEGER NOT NULL, 
	CONSTRAINT command_definition_calendar_pkey PRIMARY KEY (definition_id, calendar_id), 
	CONSTRAINT command_definition_calendar_calendar_id_fkey FOREIGN KEY(calendar_id) REFERENCES command_calendar (id) ON DELETE CASCADE, 
	CONSTRAINT command_definition_calendar_definition_id_fkey FOREIGN KEY(definition_id) REFERENCES command_definition (id) ON DELETE CASCADE
);
INSERT INTO "command_definition_calendar" VALUES(1,1,'2026-11-19 18:30:00.000000',NULL,'2026-11-23 18:30:00.000000',2);
INSERT INTO "command_definition_calendar" VALUES(1,2,'2026-11-20 05:00:00.000000',NULL,'2026-11-24 05:00:00.000000',2);
INSERT INTO "command_definition_calendar" VALUES(1,3,'2026-11-20 00:00:00.000000',NULL,'2026-11-24 00:00:00.000000',2);
INSERT INTO "command_definition_calendar" VALUES(2,1,'2026-11-19 18:30:00.000000',NULL,'2026-11-23 18:30:00.000000',2);
INSERT INTO "command_definition_calendar" VALUES(2,2,'2026-11-20 05:00:00.000000',NULL,'2026-11-24 05:00:00.000000',2);
INSERT INTO "command_definition_calendar" VALUES(2,3,'2026-11-20 00:00:00.000000',NULL,'2026-11-24 00:00:00.000000',2);
INSERT INTO "command_definition_calendar" VALUES(3,4,'2026-11-20 00:00:00.000000',NULL,'2026-11-20 00:00:00.000000',1);
INSERT INTO "command_definition_calendar" VALUES(4,5,'2026-11-19 18:30:00.000000',NULL,'2026-11-29 18:30:00.000000',2);
INSERT INTO "command_definition_calendar" VALUES(4,6,'2026-11-20 05:00:00.000000',NULL,'2026-11-30 05:00:00.000000',2);
INSERT INTO "command_definition_calendar" VALUES(4,7,'2026-11-20 00:00:00.000000',NULL,'2026-11-30 00:00:00.000000',2);
INSERT INTO "command_definition_calendar" VALUES(5,1,'2026-11-19 18:30:00.000000',NULL,'2026-11-23 18:30:00.000000',2);
INSERT INTO "command_definition_calendar" VALUES(5,2,'2026-11-20 05:00:00.000000',NULL,'2026-11-24 05:00:00.000000',2);
INSERT INTO "command_definition_calendar" VALUES(5,3,'2026-11-20 00:00:00.000000',NULL,'2026-11-24 00:00:00.000000',2);
INSERT INTO "command_definition_calendar" VALUES(6,8,'2026-11-20 20:00:00.000000',NULL,'2026-11-23 08:00:00.000000',1);
INSERT INTO "command_definition_calendar" VALUES(7,1,'2026-11-19 18:30:00.000000',NULL,'2026-11-23 18:30:00.000000',2);
INSERT INTO "command_definition_calendar" VALUES(7,2,'2026-11-20 05:00:00.000000',NULL,'2026-11-24 05:00:00.000000',2);
INSERT INTO "command_definition_calendar" VALUES(7,3,'2026-11-20 00:00:00.000000',NULL,'2026-11-24 00:00:00.000000',2);
INSERT INTO "command_definition_calendar" VALUES(8,9,'2026-11-20 00:00:00.000000',NULL,'2026-11-23 09:00:00.000000',1);
INSERT INTO "command_definition_calendar" VALUES(9,10,'2026-11-20 00:00:00.000000',NULL,'2026-11-20 00:00:00.000001',1);
INSERT INTO "command_definition_calendar" VALUES(10,3,'2026-11-20 00:00:00.000000',NULL,'2026-11-24 00:00:00.000000',3);
INSERT INTO "command_definition_calendar" VALUES(11,11,'2026-11-20 00:00:00.000000',NULL,'2026-11-24 00:00:00.000000',4);
INSERT INTO "command_definition_calendar" VALUES(12,1,'2026-11-19 18:30:00.000000',NULL,'2026-11-23 18:30:00.000000',2);
INSERT INTO "command_definition_calendar" VALUES(12,2,'2026-11-20 05:00:00.000000',NULL,'2026-11-24 05:00:00.000000',2);
INSERT INTO "command_definition_calendar" VALUES(12,3,'2026-11-20 00:00:00.000000',NULL,'2026-11-24 00:00:00.000000',2);
CREATE TABLE command_definition_dependency (
	parent_id INTEGER NOT NULL, 
	child_id INTEGER NOT NULL, 
	window_rule SMALLINT NOT NULL, 
	member_rule SMALLINT NOT NULL, 
	common_matrix_id SMALLINT NOT NULL, 
	table_names JSON NOT NULL, 
	CONSTRAINT command_definition_dependency_pkey PRIMARY KEY (parent_id, child_id), 
	CONSTRAINT command_definition_dependency_child_id_fkey FOREIGN KEY(child_id) REFERENCES command_definition (id) ON DELETE CASCADE, 
	CONSTRAINT command_definition_dependency_common_matrix_id_fkey FOREIGN KEY(common_matrix_id) REFERENCES command_matrix (id) ON DELETE CASCADE, 
	CONSTRAINT command_definition_dependency_parent_id_fkey FOREIGN KEY(parent_id) REFERENCES command_definition (id) ON DELETE CASCADE
);
INSERT INTO "command_definition_dependency" VALUES(7,2,1,0,1,'["load"]');
INSERT INTO "command_definition_dependency" VALUES(7,3,0,2,0,'["load"]');
INSERT INTO "command_definition_dependency" VALUES(7,12,1,0,1,'["load"]');
INSERT INTO "command_definition_dependency" VALUES(12,1,1,0,1,'["sync"]');
INSERT INTO "command_definition_dependency" VALUES(1,4,0,0,1,'["aggregate"]');
CREATE TABLE command_definition_pool (
	definition_id INTEGER NOT NULL, 
	pool_name TEXT NOT NULL, 
	CONSTRAINT command_definition_pool_pkey PRIMARY KEY (definition_id, pool_name), 
	CONSTRAINT command_definition_pool_definition_id_fkey FOREIGN KEY(definition_id) REFERENCES command_definition (id) ON DELETE CASCADE
);
INSERT INTO "command_definition_pool" VALUES(12,'warehouse');
CREATE TABLE command_definition_reads (
	definition_id INTEGER NOT NULL, 
	table_name TEXT NOT NULL, 
	window_rule SMALLINT NOT NULL, 
	CONSTRAINT command_definition_reads_pkey PRIMARY KEY (definition_id, table_name), 
	CONSTRAINT command_definition_reads_definition_id_fkey FOREIGN KEY(definition_id) REFERENCES command_definition (id) ON DELETE CASCADE
);
INSERT INTO "command_definition_reads" VALUES(1,'sync',4);
INSERT INTO "command_definition_reads" VALUES(2,'load',4);
INSERT INTO "command_definition_reads" VALUES(3,'load',4);
INSERT INTO "command_definition_reads" VALUES(4,'aggregate',0);
INSERT INTO "command_definition_reads" VALUES(6,'ledger',4);
INSERT INTO "command_definition_reads" VALUES(12,'load',4);
CREATE TABLE command_definition_writes (
	definition_id INTEGER NOT NULL, 
	table_name TEXT NOT NULL, 
	CONSTRAINT command_definition_writes_pkey PRIMARY KEY (definition_id, table_name), 
	CONSTRAINT command_definition_writes_definition_id_fkey FOREIGN KEY(definition_id) REFERENCES command_definition (id) ON DELETE CASCADE
);
INSERT INTO "command_definition_writes" VALUES(1,'aggregate');
INSERT INTO "command_definition_writes" VALUES(2,'apology');
INSERT INTO "command_definition_writes" VALUES(3,'closing');
INSERT INTO "command_definition_writes" VALUES(4,'forecast');
INSERT INTO "command_definition_writes" VALUES(6,'ledger');
INSERT INTO "command_definition_writes" VALUES(7,'load');
INSERT INTO "command_definition_writes" VALUES(8,'often');
INSERT INTO "command_definition_writes" VALUES(9,'once');
INSERT INTO "command_definition_writes" VALUES(10,'rank');
INSERT INTO "command_definition_writes" VALUES(11,'regional');
INSERT INTO "command_definition_writes" VALUES(12,'sync');
CREATE TABLE command_engine_state (
	id SMALLINT NOT NULL, 
	looped_at DATETIME NOT NULL, 
	grace_until DATETIME NOT NULL, 
	missed_since DATETIME, 
	CONSTRAINT command_engine_state_pkey PRIMARY KEY (id)
);
INSERT INTO "command_engine_state" VALUES(1,'2026-11-21 07:06:00.000000','2026-11-21 05:31:00.000000',NULL);
CREATE TABLE command_event (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at DATETIME NOT NULL, 
	kind TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	message TEXT NOT NULL, 
	actor TEXT NOT NULL
);
INSERT INTO "command_event" VALUES(1,'2026-11-20 12:00:00.000000','account.added','acme','account acme, as files says','engine');
INSERT INTO "command_event" VALUES(2,'2026-11-20 12:00:00.000000','account.added','globex','account globex, as files says','engine');
INSERT INTO "command_event" VALUES(3,'2026-11-20 12:00:00.000000','account.added','initech','account initech, as files says','engine');
INSERT INTO "command_event" VALUES(4,'2026-11-20 12:00:00.000000','matrix.changed','keyword','2 members added, 0 removed, as files says','engine');
INSERT INTO "command_event" VALUES(5,'2026-11-20 12:00:00.000000','matrix.changed','region','2 members added, 0 removed, as files says','engine');
INSERT INTO "command_event" VALUES(6,'2026-11-20 12:00:00.000000','definition.added','aggregate','definition aggregate added, as files says','engine');
INSERT INTO "command_event" VALUES(7,'2026-11-20 12:00:00.000000','definition.added','apology','definition apology added, as files says','engine');
INSERT INTO "command_event" VALUES(8,'2026-11-20 12:00:00.000000','definition.added','closing','definition closing added, as files says','engine');
INSERT INTO "command_event" VALUES(9,'2026-11-20 12:00:00.000000','definition.added','forecast','definition forecast added, as files says','engine');
INSERT INTO "command_event" VALUES(10,'2026-11-20 12:00:00.000000','definition.added','going','definition going added, as files says','engine');
INSERT INTO "command_event" VALUES(11,'2026-11-20 12:00:00.000000','definition.added','ledger','definition ledger added, as files says','engine');
INSERT INTO "command_event" VALUES(12,'2026-11-20 12:00:00.000000','definition.added','load','definition load added, as files says','engine');
INSERT INTO "command_event" VALUES(13,'2026-11-20 12:00:00.000000','definition.added','often','definition often added, as files says','engine');
INSERT INTO "command_event" VALUES(14,'2026-11-20 12:00:00.000000','definition.added','once','definition once added, as files says','engine');
INSERT INTO "command_event" VALUES(15,'2026-11-20 12:00:00.000000','definition.added','rank','definition rank added, as files says','engine');
INSERT INTO "command_event" VALUES(16,'2026-11-20 12:00:00.000000','definition.added','regional','definition regional added, as files says','engine');
INSERT INTO "command_event" VALUES(17,'2026-11-20 12:00:00.000000','definition.added','sync','definition sync added, as files says','engine');
INSERT INTO "command_event" VALUES(18,'2026-11-20 12:00:00.000000','slots.catchup','often','3 slots of missed windows skipped (catchup: latest)','engine');
INSERT INTO "command_event" VALUES(19,'2026-11-20 12:50:00.000000','engine.gap','engine','no engine was at work since 2026-11-20 12:00:00Z; silent agents are given until 2026-11-20 12:51:00Z','engine');
INSERT INTO "command_event" VALUES(20,'2026-11-20 13:40:00.000000','engine.gap','engine','no engine was at work since 2026-11-20 12:50:00Z; silent agents are given until 2026-11-20 13:41:00Z','engine');
INSERT INTO "command_event" VALUES(21,'2026-11-20 14:30:00.000000','engine.gap','engine','no engine was at work since 2026-11-20 13:40:00Z; silent agents are given until 2026-11-20 14:31:00Z','engine');
INSERT INTO "command_event" VALUES(22,'2026-11-20 15:20:00.000000','engine.gap','engine','no engine was at work since 2026-11-20 14:30:00Z; silent agents are given until 2026-11-20 15:21:00Z','engine');
INSERT INTO "command_event" VALUES(23,'2026-11-20 16:10:00.000000','engine.gap','engine','no engine was at work since 2026-11-20 15:20:00Z; silent agents are given until 2026-11-20 16:11:00Z','engine');
INSERT INTO "command_event" VALUES(24,'2026-11-20 17:00:00.000000','engine.gap','engine','no engine was at work since 2026-11-20 16:10:00Z; silent agents are given until 2026-11-20 17:01:00Z','engine');
INSERT INTO "command_event" VALUES(25,'2026-11-20 17:50:00.000000','engine.gap','engine','no engine was at work since 2026-11-20 17:00:00Z; silent agents are given until 2026-11-20 17:51:00Z','engine');
INSERT INTO "command_event" VALUES(26,'2026-11-20 18:40:00.000000','engine.gap','engine','no engine was at work since 2026-11-20 17:50:00Z; silent agents are given until 2026-11-20 18:41:00Z','engine');
INSERT INTO "command_event" VALUES(27,'2026-11-20 19:30:00.000000','engine.gap','engine','no engine was at work since 2026-11-20 18:40:00Z; silent agents are given until 2026-11-20 19:31:00Z','engine');
INSERT INTO "command_event" VALUES(28,'2026-11-20 20:20:00.000000','engine.gap','engine','no engine was at work since 2026-11-20 19:30:00Z; silent agents are given until 2026-11-20 20:21:00Z','engine');
INSERT INTO "command_event" VALUES(29,'2026-11-20 21:10:00.000000','engine.gap','engine','no engine was at work since 2026-11-20 20:20:00Z; silent agents are given until 2026-11-20 21:11:00Z','engine');
INSERT INTO "command_event" VALUES(30,'2026-11-20 22:00:00.000000','engine.gap','engine','no engine was at work since 2026-11-20 21:10:00Z; silent agents are given until 2026-11-20 22:01:00Z','engine');
INSERT INTO "command_event" VALUES(31,'2026-11-20 22:50:00.000000','engine.gap','engine','no engine was at work since 2026-11-20 22:00:00Z; silent agents are given until 2026-11-20 22:51:00Z','engine');
INSERT INTO "command_event" VALUES(32,'2026-11-20 23:40:00.000000','engine.gap','engine','no engine was at work since 2026-11-20 22:50:00Z; silent agents are given until 2026-11-20 23:41:00Z','engine');
INSERT INTO "command_event" VALUES(33,'2026-11-21 00:30:00.000000','engine.gap','engine','no engine was at work since 2026-11-20 23:40:00Z; silent agents are given until 2026-11-21 00:31:00Z','engine');
INSERT INTO "command_event" VALUES(34,'2026-11-21 01:20:00.000000','engine.gap','engine','no engine was at work since 2026-11-21 00:30:00Z; silent agents are given until 2026-11-21 01:21:00Z','engine');
INSERT INTO "command_event" VALUES(35,'2026-11-21 02:10:00.000000','engine.gap','engine','no engine was at work since 2026-11-21 01:20:00Z; silent agents are given until 2026-11-21 02:11:00Z','engine');
INSERT INTO "command_event" VALUES(36,'2026-11-21 03:00:00.000000','engine.gap','engine','no engine was at work since 2026-11-21 02:10:00Z; silent agents are given until 2026-11-21 03:01:00Z','engine');
INSERT INTO "command_event" VALUES(37,'2026-11-21 03:50:00.000000','engine.gap','engine','no engine was at work since 2026-11-21 03:00:00Z; silent agents are given until 2026-11-21 03:51:00Z','engine');
INSERT INTO "command_event" VALUES(38,'2026-11-21 04:40:00.000000','engine.gap','engine','no engine was at work since 2026-11-21 03:50:00Z; silent agents are given until 2026-11-21 04:41:00Z','engine');
INSERT INTO "command_event" VALUES(39,'2026-11-21 05:30:00.000000','engine.gap','engine','no engine was at work since 2026-11-21 04:40:00Z; silent agents are given until 2026-11-21 05:31:00Z','engine');
INSERT INTO "command_event" VALUES(40,'2026-11-21 05:30:00.000000','run.cancel_requested','run 13','run 13 of going@initech/2026-11-20 is to be stopped by etl-1','night watch');
INSERT INTO "command_event" VALUES(41,'2026-11-21 05:40:30.000000','run.timeout','run 6','agent etl-1 was not heard of','engine');
INSERT INTO "command_event" VALUES(42,'2026-11-21 06:12:30.000000','run.timeout','run 16','agent etl-1 was not heard of','engine');
INSERT INTO "command_event" VALUES(43,'2026-11-21 06:12:30.000000','run.timeout','run 17','agent etl-1 was not heard of','engine');
INSERT INTO "command_event" VALUES(44,'2026-11-21 06:12:30.000000','run.timeout','run 18','agent etl-1 was not heard of','engine');
INSERT INTO "command_event" VALUES(45,'2026-11-21 06:44:30.000000','run.timeout','run 19','agent etl-1 was not heard of','engine');
INSERT INTO "command_event" VALUES(46,'2026-11-21 06:44:30.000000','run.timeout','run 20','agent etl-1 was not heard of','engine');
INSERT INTO "command_event" VALUES(47,'2026-11-21 06:44:30.000000','run.timeout','run 21','agent etl-1 was not heard of','engine');
INSERT INTO "command_event" VALUES(48,'2026-11-21 07:06:05.000000','removal.held_back','definitions of files','files no longer lists 6 of 12 of its definitions (apology, closing, going, ledger, often …): nothing was removed. If that is meant: conductor-cli definitions confirm-removal ''definitions of files'' --count 6','engine');
CREATE TABLE command_late_report (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	agent TEXT NOT NULL, 
	epoch INTEGER NOT NULL, 
	completion_id TEXT NOT NULL, 
	disposition TEXT NOT NULL, 
	outcome SMALLINT NOT NULL, 
	error TEXT, 
	result JSON, 
	CONSTRAINT command_late_report_pkey PRIMARY KEY (id), 
	CONSTRAINT command_late_report_run_id_fkey FOREIGN KEY(run_id) REFERENCES command_run (id) ON DELETE CASCADE, 
	CONSTRAINT command_late_report_run_id_completion_id_key UNIQUE (run_id, completion_id)
);
INSERT INTO "command_late_report" VALUES(1,6,'2026-11-21 05:46:00.000000','etl-1',1,'completion-13','late',1,NULL,NULL);
INSERT INTO "command_late_report" VALUES(2,17,'2026-11-21 06:18:00.000000','etl-1',1,'completion-14','late',1,NULL,NULL);
INSERT INTO "command_late_report" VALUES(3,20,'2026-11-21 06:50:00.000000','etl-1',1,'completion-15','late',1,NULL,NULL);
INSERT INTO "command_late_report" VALUES(4,10,'2026-11-21 07:06:00.000000','stray',99,'completion-16','fenced',1,NULL,NULL);
CREATE TABLE command_log_chunk (
	run_id INTEGER NOT NULL, 
	stream TEXT NOT NULL, 
	"offset" INTEGER NOT NULL, 
	data BLOB NOT NULL, 
	CONSTRAINT command_log_chunk_pkey PRIMARY KEY (run_id, stream, "offset"), 
	CONSTRAINT command_log_chunk_run_id_fkey FOREIGN KEY(run_id) REFERENCES command_run (id) ON DELETE CASCADE
);
INSERT INTO "command_log_chunk" VALUES(10,'stdout',0,X'68616C667761793A20C2BD0A');
CREATE TABLE command_log_stream (
	run_id INTEGER NOT NULL, 
	stream TEXT NOT NULL, 
	size INTEGER NOT NULL, 
	complete BOOLEAN NOT NULL, 
	CONSTRAINT command_log_stream_pkey PRIMARY KEY (run_id, stream), 
	CONSTRAINT command_log_stream_run_id_fkey FOREIGN KEY(run_id) REFERENCES command_run (id) ON DELETE CASCADE
);
INSERT INTO "command_log_stream" VALUES(10,'stdout',12,0);
CREATE TABLE command_matrix (
	id SMALLINT NOT NULL, 
	name TEXT NOT NULL, 
	parent_id SMALLINT, 
	source_token TEXT NOT NULL, 
	CONSTRAINT command_matrix_pkey PRIMARY KEY (id), 
	CONSTRAINT command_matrix_parent_id_fkey FOREIGN KEY(parent_id) REFERENCES command_matrix (id) ON DELETE CASCADE, 
	CONSTRAINT command_matrix_name_key UNIQUE (name)
);
INSERT INTO "command_matrix" VALUES(0,'default',NULL,'built-in');
INSERT INTO "command_matrix" VALUES(1,'account',0,'built-in');
INSERT INTO "command_matrix" VALUES(2,'keyword',1,'built-in');
INSERT INTO "command_matrix" VALUES(3,'region',0,'files');
CREATE TABLE command_member (
	id INTEGER NOT NULL, 
	matrix_id SMALLINT NOT NULL, 
	parent_id INTEGER, 
	account_id INTEGER, 
	path TEXT NOT NULL, 
	token TEXT NOT NULL, 
	timezone TEXT NOT NULL, 
	starts_on TEXT DEFAULT '' NOT NULL, 
	starts_at DATETIME NOT NULL, 
	maintenance_until DATETIME, 
	max_running INTEGER, 
	source_token TEXT NOT NULL, 
	created DATETIME NOT NULL, 
	arrival INTEGER NOT NULL, 
	CONSTRAINT command_member_pkey PRIMARY KEY (id), 
	CONSTRAINT command_member_account_id_fkey FOREIGN KEY(account_id) REFERENCES command_member (id) ON DELETE CASCADE, 
	CONSTRAINT command_member_matrix_id_fkey FOREIGN KEY(matrix_id) REFERENCES command_matrix (id) ON DELETE CASCADE, 
	CONSTRAINT command_member_parent_id_fkey FOREIGN KEY(parent_id) REFERENCES command_member (id) ON DELETE CASCADE, 
	CONSTRAINT command_member_matrix_id_path_key UNIQUE (matrix_id, path)
);
INSERT INTO "command_member" VALUES(1,0,NULL,NULL,'','default','UTC','','1970-01-01 00:00:00.000000',NULL,NULL,'built-in','2026-11-20 12:00:00.000000',1);
INSERT INTO "command_member" VALUES(2,1,1,2,'acme','acme','Europe/London','2020-01-01','2020-01-01 00:00:00.000000',NULL,NULL,'files','2026-11-20 12:00:00.000000',2);
INSERT INTO "command_member" VALUES(3,1,1,3,'globex','globex','+05:30','2020-01-01','2019-12-31 18:30:00.000000',NULL,3,'files','2026-11-20 12:00:00.000000',2);
INSERT INTO "command_member" VALUES(4,1,1,4,'initech','initech','America/New_York','2020-01-01','2020-01-01 05:00:00.000000',NULL,NULL,'files','2026-11-20 12:00:00.000000',2);
INSERT INTO "command_member" VALUES(5,2,2,2,'acme:shoes','shoes','Europe/London','','2026-11-20 12:00:00.000000',NULL,NULL,'files','2026-11-20 12:00:00.000000',3);
INSERT INTO "command_member" VALUES(6,2,2,2,'acme:socks','socks','Europe/London','','2026-11-20 12:00:00.000000',NULL,NULL,'files','2026-11-20 12:00:00.000000',3);
INSERT INTO "command_member" VALUES(7,3,1,NULL,'emea','emea','UTC','','2026-11-20 12:00:00.000000',NULL,NULL,'files','2026-11-20 12:00:00.000000',4);
INSERT INTO "command_member" VALUES(8,3,1,NULL,'apac','apac','UTC','','2026-11-20 12:00:00.000000',NULL,NULL,'files','2026-11-20 12:00:00.000000',4);
CREATE TABLE command_member_ancestor (
	member_id INTEGER NOT NULL, 
	ancestor_matrix_id SMALLINT NOT NULL, 
	ancestor_id INTEGER NOT NULL, 
	member_matrix_id SMALLINT NOT NULL, 
	CONSTRAINT command_member_ancestor_pkey PRIMARY KEY (member_id, ancestor_matrix_id), 
	CONSTRAINT command_member_ancestor_ancestor_id_fkey FOREIGN KEY(ancestor_id) REFERENCES command_member (id) ON DELETE CASCADE, 
	CONSTRAINT command_member_ancestor_member_id_fkey FOREIGN KEY(member_id) REFERENCES command_member (id) ON DELETE CASCADE
);
INSERT INTO "command_member_ancestor" VALUES(1,0,1,0);
INSERT INTO "command_member_ancestor" VALUES(2,1,2,1);
INSERT INTO "command_member_ancestor" VALUES(3,1,3,1);
INSERT INTO "command_member_ancestor" VALUES(4,1,4,1);
INSERT INTO "command_member_ancestor" VALUES(2,0,1,1);
INSERT INTO "command_member_ancestor" VALUES(3,0,1,1);
INSERT INTO "command_member_ancestor" VALUES(4,0,1,1);
INSERT INTO "command_member_ancestor" VALUES(5,2,5,2);
INSERT INTO "command_member_ancestor" VALUES(6,2,6,2);
INSERT INTO "command_member_ancestor" VALUES(5,0,1,2);
INSERT INTO "command_member_ancestor" VALUES(5,1,2,2);
INSERT INTO "command_member_ancestor" VALUES(6,0,1,2);
INSERT INTO "command_member_ancestor" VALUES(6,1,2,2);
INSERT INTO "command_member_ancestor" VALUES(7,3,7,3);
INSERT INTO "command_member_ancestor" VALUES(8,3,8,3);
INSERT INTO "command_member_ancestor" VALUES(7,0,1,3);
INSERT INTO "command_member_ancestor" VALUES(8,0,1,3);
CREATE TABLE command_ml_command_spec (
	definition_id INTEGER NOT NULL, 
	interpreter TEXT, 
	script TEXT, 
	arguments JSON, 
	environment JSON, 
	limits JSON, 
	working_folder TEXT, 
	CONSTRAINT command_ml_command_spec_pkey PRIMARY KEY (definition_id), 
	CONSTRAINT command_ml_command_spec_definition_id_fkey FOREIGN KEY(definition_id) REFERENCES command_definition (id) ON DELETE CASCADE
);
INSERT INTO "command_ml_command_spec" VALUES(4,'python','forecast.py',NULL,NULL,NULL,NULL);
CREATE TABLE command_plugin_spec (
	definition_id INTEGER NOT NULL, 
	spec JSON NOT NULL, 
	CONSTRAINT command_plugin_spec_pkey PRIMARY KEY (definition_id), 
	CONSTRAINT command_plugin_spec_definition_id_fkey FOREIGN KEY(definition_id) REFERENCES command_definition (id) ON DELETE CASCADE
);
INSERT INTO "command_plugin_spec" VALUES(11,'{"jar": "regional.jar", "cores": 4}');
CREATE TABLE command_pool (
	name TEXT NOT NULL, 
	places INTEGER NOT NULL, 
	source_token TEXT NOT NULL, 
	CONSTRAINT command_pool_pkey PRIMARY KEY (name)
);
INSERT INTO "command_pool" VALUES('warehouse',2,'files');
CREATE TABLE command_python_spec (
	definition_id INTEGER NOT NULL, 
	callable TEXT, 
	arguments JSON, 
	path JSON, 
	environment JSON, 
	CONSTRAINT command_python_spec_pkey PRIMARY KEY (definition_id), 
	CONSTRAINT command_python_spec_definition_id_fkey FOREIGN KEY(definition_id) REFERENCES command_definition (id) ON DELETE CASCADE
);
INSERT INTO "command_python_spec" VALUES(10,'rank:main',NULL,NULL,NULL);
CREATE TABLE command_run (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	slot_id INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	status SMALLINT NOT NULL, 
	source_id SMALLINT NOT NULL, 
	priority INTEGER NOT NULL, 
	created_by SMALLINT NOT NULL, 
	epoch INTEGER DEFAULT '0' NOT NULL, 
	agent TEXT, 
	waiting_at DATETIME NOT NULL, 
	running_at DATETIME, 
	heartbeat_at DATETIME, 
	success_at DATETIME, 
	failed_at DATETIME, 
	timeout_at DATETIME, 
	cancelled_at DATETIME, 
	released_at DATETIME, 
	cancel_requested_at DATETIME, 
	exit_code INTEGER, 
	error TEXT, 
	result JSON, 
	progress JSON, 
	checkpoint BLOB, 
	completion_id TEXT, 
	CONSTRAINT command_run_slot_id_fkey FOREIGN KEY(slot_id) REFERENCES command_slot (id) ON DELETE CASCADE, 
	CONSTRAINT command_run_slot_id_attempt_key UNIQUE (slot_id, attempt)
);
INSERT INTO "command_run" VALUES(1,97,1,4,4,0,0,1,'etl-1','2026-11-20 12:00:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'completion-2');
INSERT INTO "command_run" VALUES(2,80,1,4,4,0,0,1,'etl-1','2026-11-20 12:00:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'completion-3');
INSERT INTO "command_run" VALUES(3,81,1,4,4,0,0,1,'etl-1','2026-11-20 15:20:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'completion-4');
INSERT INTO "command_run" VALUES(4,82,1,4,4,0,0,1,'etl-1','2026-11-20 18:40:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'completion-5');
INSERT INTO "command_run" VALUES(5,19,1,4,4,0,0,1,'etl-1','2026-11-20 18:40:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'completion-6');
INSERT INTO "command_run" VALUES(6,68,1,2,4,5,0,1,'etl-1','2026-11-20 18:40:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000',NULL,NULL,'2026-11-21 05:40:30.000000',NULL,NULL,NULL,NULL,'agent etl-1 was not heard of for too long: it, its machine or the network is gone',NULL,NULL,NULL,NULL);
INSERT INTO "command_run" VALUES(7,28,1,6,4,0,0,1,'etl-1','2026-11-20 21:10:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000',NULL,NULL,NULL,NULL,'2026-11-21 05:30:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,'completion-7');
INSERT INTO "command_run" VALUES(8,83,1,4,4,0,0,1,'etl-1','2026-11-20 21:10:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'completion-8');
INSERT INTO "command_run" VALUES(9,25,1,3,4,0,0,1,'etl-1','2026-11-21 00:30:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000',NULL,'2026-11-21 05:30:00.000000',NULL,NULL,NULL,NULL,NULL,'exit code 3
no such file',NULL,NULL,NULL,'completion-9');
INSERT INTO "command_run" VALUES(10,74,1,1,4,5,0,1,'etl-1','2026-11-21 00:30:00.000000','2026-11-21 05:30:00.000000','2026-11-21 07:06:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"fraction": 0.5, "message": "half"}',X'00726F772034373131',NULL);
INSERT INTO "command_run" VALUES(11,84,1,4,4,0,0,1,'etl-1','2026-11-21 00:30:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'completion-10');
INSERT INTO "command_run" VALUES(12,85,1,4,4,0,0,1,'etl-1','2026-11-21 03:00:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'completion-11');
INSERT INTO "command_run" VALUES(13,22,1,5,4,0,0,1,'etl-1','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000',NULL,NULL,NULL,'2026-11-21 05:30:00.000000',NULL,'2026-11-21 05:30:00.000000',NULL,'an operator asked for it',NULL,NULL,NULL,'completion-12');
INSERT INTO "command_run" VALUES(14,71,1,4,4,5,0,1,'etl-1','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000','2026-11-21 05:30:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'completion-1');
INSERT INTO "command_run" VALUES(15,109,1,0,1,0,0,0,NULL,'2026-11-21 05:30:50.000000',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "command_run" VALUES(16,28,2,2,4,0,0,1,'etl-1','2026-11-21 05:30:50.000000','2026-11-21 06:02:00.000000','2026-11-21 06:02:00.000000',NULL,NULL,'2026-11-21 06:12:30.000000',NULL,NULL,NULL,NULL,'agent etl-1 was not heard of for too long: it, its machine or the network is gone',NULL,NULL,NULL,NULL);
INSERT INTO "command_run" VALUES(17,68,2,2,4,5,0,1,'etl-1','2026-11-21 05:50:50.000000','2026-11-21 06:02:00.000000','2026-11-21 06:02:00.000000',NULL,NULL,'2026-11-21 06:12:30.000000',NULL,NULL,NULL,NULL,'agent etl-1 was not heard of for too long: it, its machine or the network is gone',NULL,NULL,NULL,NULL);
INSERT INTO "command_run" VALUES(18,86,1,2,4,0,0,1,'etl-1','2026-11-21 06:00:30.000000','2026-11-21 06:02:00.000000','2026-11-21 06:02:00.000000',NULL,NULL,'2026-11-21 06:12:30.000000',NULL,NULL,NULL,NULL,'agent etl-1 was not heard of for too long: it, its machine or the network is gone',NULL,NULL,NULL,NULL);
INSERT INTO "command_run" VALUES(19,28,3,2,4,0,0,1,'etl-1','2026-11-21 06:22:50.000000','2026-11-21 06:34:00.000000','2026-11-21 06:34:00.000000',NULL,NULL,'2026-11-21 06:44:30.000000',NULL,NULL,NULL,NULL,'agent etl-1 was not heard of for too long: it, its machine or the network is gone',NULL,NULL,NULL,NULL);
INSERT INTO "command_run" VALUES(20,68,3,2,4,5,0,1,'etl-1','2026-11-21 06:22:50.000000','2026-11-21 06:34:00.000000','2026-11-21 06:34:00.000000',NULL,NULL,'2026-11-21 06:44:30.000000',NULL,NULL,NULL,NULL,'agent etl-1 was not heard of for too long: it, its machine or the network is gone',NULL,NULL,NULL,NULL);
INSERT INTO "command_run" VALUES(21,86,2,2,4,0,0,1,'etl-1','2026-11-21 06:22:50.000000','2026-11-21 06:34:00.000000','2026-11-21 06:34:00.000000',NULL,NULL,'2026-11-21 06:44:30.000000',NULL,NULL,NULL,NULL,'agent etl-1 was not heard of for too long: it, its machine or the network is gone',NULL,NULL,NULL,NULL);
INSERT INTO "command_run" VALUES(22,28,4,1,4,0,0,1,'etl-1','2026-11-21 06:54:50.000000','2026-11-21 07:06:00.000000','2026-11-21 07:06:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "command_run" VALUES(23,86,3,1,4,0,0,1,'etl-1','2026-11-21 06:54:50.000000','2026-11-21 07:06:00.000000','2026-11-21 07:06:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE command_shell_spec (
	definition_id INTEGER NOT NULL, 
	argv JSON, 
	script TEXT, 
	environment JSON, 
	working_folder TEXT, 
	CONSTRAINT command_shell_spec_pkey PRIMARY KEY (definition_id), 
	CONSTRAINT command_shell_spec_definition_id_fkey FOREIGN KEY(definition_id) REFERENCES command_definition (id) ON DELETE CASCADE
);
INSERT INTO "command_shell_spec" VALUES(2,NULL,NULL,NULL,NULL);
INSERT INTO "command_shell_spec" VALUES(3,NULL,NULL,NULL,NULL);
INSERT INTO "command_shell_spec" VALUES(5,NULL,NULL,NULL,NULL);
INSERT INTO "command_shell_spec" VALUES(6,NULL,NULL,NULL,NULL);
INSERT INTO "command_shell_spec" VALUES(7,'["load", "${account.token}"]',NULL,NULL,NULL);
INSERT INTO "command_shell_spec" VALUES(8,NULL,NULL,NULL,NULL);
INSERT INTO "command_shell_spec" VALUES(9,NULL,NULL,NULL,NULL);
CREATE TABLE command_slot (
	id INTEGER NOT NULL, 
	definition_id INTEGER NOT NULL, 
	member_id INTEGER NOT NULL, 
	window_id INTEGER NOT NULL, 
	state SMALLINT NOT NULL, 
	failures SMALLINT DEFAULT '0' NOT NULL, 
	losses SMALLINT DEFAULT '0' NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	failed_at DATETIME, 
	ever_failed BOOLEAN DEFAULT 0 NOT NULL, 
	success_run_id INTEGER, 
	consumed INTEGER DEFAULT '0' NOT NULL, 
	decided_at DATETIME, 
	reason TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT command_slot_pkey PRIMARY KEY (id), 
	CONSTRAINT command_slot_definition_id_fkey FOREIGN KEY(definition_id) REFERENCES command_definition (id) ON DELETE CASCADE, 
	CONSTRAINT command_slot_member_id_fkey FOREIGN KEY(member_id) REFERENCES command_member (id) ON DELETE CASCADE, 
	CONSTRAINT command_slot_window_id_fkey FOREIGN KEY(window_id) REFERENCES command_window (id) ON DELETE CASCADE, 
	CONSTRAINT command_slot_definition_id_window_id_member_id_key UNIQUE (definition_id, window_id, member_id)
);
INSERT INTO "command_slot" VALUES(1,1,3,1,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(2,1,3,2,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(3,1,3,3,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(4,1,4,4,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(5,1,4,5,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(6,1,4,6,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(7,1,2,7,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(8,1,2,8,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(9,1,2,9,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(10,2,3,1,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(11,2,3,2,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(12,2,3,3,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(13,2,4,4,4,0,0,0,NULL,0,NULL,0,'2026-11-21 05:30:50.000000','it runs after failures only, and a slot that it watches did not fail');
INSERT INTO "command_slot" VALUES(14,2,4,5,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(15,2,4,6,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(16,2,2,7,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(17,2,2,8,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(18,2,2,9,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(19,5,3,1,2,0,0,1,NULL,0,5,0,'2026-11-21 05:30:00.000000','');
INSERT INTO "command_slot" VALUES(20,5,3,2,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(21,5,3,3,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(22,5,4,4,5,0,0,1,NULL,0,NULL,0,'2026-11-21 05:30:00.000000','cancelled by an operator');
INSERT INTO "command_slot" VALUES(23,5,4,5,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(24,5,4,6,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(25,5,2,7,3,1,0,1,'2026-11-21 05:30:00.000000',1,NULL,0,'2026-11-21 05:30:50.000000','failed 1 times in a row, as often as its policy allows');
INSERT INTO "command_slot" VALUES(26,5,2,8,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(27,5,2,9,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(28,6,1,10,1,2,2,4,'2026-11-21 06:44:30.000000',1,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(29,6,1,11,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(30,6,1,12,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(31,6,1,13,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(32,6,1,14,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(33,6,1,15,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(34,6,1,16,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(35,6,1,17,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(36,6,1,18,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(37,6,1,19,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(38,6,1,20,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(39,6,1,21,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(40,6,1,22,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(41,6,1,23,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(42,6,1,24,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(43,6,1,25,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(44,6,1,26,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(45,6,1,27,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(46,6,1,28,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(47,6,1,29,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(48,6,1,30,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(49,6,1,31,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(50,6,1,32,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(51,6,1,33,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(52,6,1,34,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(53,6,1,35,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(54,6,1,36,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(55,6,1,37,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(56,6,1,38,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(57,6,1,39,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(58,6,1,40,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(59,6,1,41,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(60,6,1,42,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(61,6,1,43,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(62,6,1,44,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(63,6,1,45,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(64,6,1,46,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(65,6,1,47,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(66,6,1,48,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(67,6,1,49,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(68,7,3,1,6,3,3,3,'2026-11-21 06:44:30.000000',1,NULL,0,'2026-11-21 06:44:30.000000','3 agents in a row were lost while running it');
INSERT INTO "command_slot" VALUES(69,7,3,2,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(70,7,3,3,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(71,7,4,4,2,0,0,1,NULL,0,14,0,'2026-11-21 05:30:00.000000','');
INSERT INTO "command_slot" VALUES(72,7,4,5,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(73,7,4,6,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(74,7,2,7,1,0,0,1,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(75,7,2,8,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(76,7,2,9,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(77,8,1,50,4,0,0,0,NULL,0,NULL,0,'2026-11-20 12:00:00.000000','missed, and its definition says catchup: latest');
INSERT INTO "command_slot" VALUES(78,8,1,51,4,0,0,0,NULL,0,NULL,0,'2026-11-20 12:00:00.000000','missed, and its definition says catchup: latest');
INSERT INTO "command_slot" VALUES(79,8,1,52,4,0,0,0,NULL,0,NULL,0,'2026-11-20 12:00:00.000000','missed, and its definition says catchup: latest');
INSERT INTO "command_slot" VALUES(80,8,1,53,2,0,0,1,NULL,0,2,0,'2026-11-21 05:30:00.000000','');
INSERT INTO "command_slot" VALUES(81,8,1,54,2,0,0,1,NULL,0,3,0,'2026-11-21 05:30:00.000000','');
INSERT INTO "command_slot" VALUES(82,8,1,55,2,0,0,1,NULL,0,4,0,'2026-11-21 05:30:00.000000','');
INSERT INTO "command_slot" VALUES(83,8,1,56,2,0,0,1,NULL,0,8,0,'2026-11-21 05:30:00.000000','');
INSERT INTO "command_slot" VALUES(84,8,1,57,2,0,0,1,NULL,0,11,0,'2026-11-21 05:30:00.000000','');
INSERT INTO "command_slot" VALUES(85,8,1,58,2,0,0,1,NULL,0,12,0,'2026-11-21 05:30:00.000000','');
INSERT INTO "command_slot" VALUES(86,8,1,59,1,2,2,3,'2026-11-21 06:44:30.000000',1,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(87,8,1,60,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(88,8,1,61,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(89,8,1,62,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(90,8,1,63,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(91,8,1,64,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(92,8,1,65,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(93,8,1,66,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(94,8,1,67,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(95,8,1,68,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(96,8,1,69,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(97,9,1,70,2,0,0,1,NULL,0,1,0,'2026-11-21 05:30:00.000000','');
INSERT INTO "command_slot" VALUES(98,10,5,8,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(99,10,6,8,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(100,10,5,9,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(101,10,6,9,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(102,11,7,72,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(103,11,8,72,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(104,11,7,73,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(105,11,8,73,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(106,12,3,1,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(107,12,3,2,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(108,12,3,3,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(109,12,4,4,1,0,0,1,NULL,0,NULL,14,NULL,'');
INSERT INTO "command_slot" VALUES(110,12,4,5,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(111,12,4,6,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(112,12,2,7,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(113,12,2,8,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(114,12,2,9,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(115,6,1,74,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(116,8,1,75,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(117,6,1,76,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(118,6,1,77,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(119,6,1,78,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(120,8,1,79,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(121,6,1,80,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(122,6,1,81,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(123,1,3,82,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(124,2,3,82,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(125,4,3,83,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(126,5,3,82,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(127,6,1,84,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(128,7,3,82,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(129,8,1,85,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(130,12,3,82,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(131,6,1,92,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(132,6,1,93,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(133,6,1,94,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(134,8,1,95,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(135,6,1,96,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(136,6,1,97,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(137,1,2,98,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(138,2,2,98,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(139,4,2,99,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(140,5,2,98,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(141,6,1,100,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(142,7,2,98,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(143,8,1,101,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(144,10,5,98,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(145,10,6,98,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(146,11,7,102,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(147,11,8,102,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(148,12,2,98,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(149,6,1,109,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(150,6,1,110,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(151,6,1,111,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(152,8,1,112,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(153,6,1,113,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(154,1,4,114,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(155,2,4,114,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(156,4,4,115,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(157,5,4,114,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(158,6,1,116,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(159,7,4,114,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(160,12,4,114,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(161,6,1,123,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(162,8,1,124,0,0,0,0,NULL,0,NULL,0,NULL,'');
INSERT INTO "command_slot" VALUES(163,6,1,125,0,0,0,0,NULL,0,NULL,0,NULL,'');
CREATE TABLE command_source (
	id SMALLINT NOT NULL, 
	name TEXT NOT NULL, 
	CONSTRAINT command_source_pkey PRIMARY KEY (id), 
	CONSTRAINT command_source_name_key UNIQUE (name)
);
INSERT INTO "command_source" VALUES(0,'manual');
INSERT INTO "command_source" VALUES(1,'cron');
INSERT INTO "command_source" VALUES(2,'stored_procedure');
INSERT INTO "command_source" VALUES(3,'ml_command');
INSERT INTO "command_source" VALUES(4,'shell');
INSERT INTO "command_source" VALUES(5,'python');
INSERT INTO "command_source" VALUES(100,'spark');
CREATE TABLE command_stored_procedure_spec (
	definition_id INTEGER NOT NULL, 
	"database" TEXT, 
	procedure TEXT, 
	parameters JSON, 
	statement_timeout FLOAT, 
	CONSTRAINT command_stored_procedure_spec_pkey PRIMARY KEY (definition_id), 
	CONSTRAINT command_stored_procedure_spec_definition_id_fkey FOREIGN KEY(definition_id) REFERENCES command_definition (id) ON DELETE CASCADE
);
INSERT INTO "command_stored_procedure_spec" VALUES(1,'${env:WAREHOUSE}','agg.run','{"day": "${window.start}"}',NULL);
CREATE TABLE command_window (
	id INTEGER NOT NULL, 
	calendar_id INTEGER NOT NULL, 
	starts_at DATETIME NOT NULL, 
	ends_at DATETIME NOT NULL, 
	label TEXT NOT NULL, 
	CONSTRAINT command_window_pkey PRIMARY KEY (id), 
	CONSTRAINT command_window_calendar_id_fkey FOREIGN KEY(calendar_id) REFERENCES command_calendar (id) ON DELETE CASCADE, 
	CONSTRAINT command_window_calendar_id_starts_at_key UNIQUE (calendar_id, starts_at)
);
INSERT INTO "command_window" VALUES(1,1,'2026-11-19 18:30:00.000000','2026-11-20 18:30:00.000000','2026-11-20');
INSERT INTO "command_window" VALUES(2,1,'2026-11-20 18:30:00.000000','2026-11-21 18:30:00.000000','2026-11-21');
INSERT INTO "command_window" VALUES(3,1,'2026-11-21 18:30:00.000000','2026-11-22 18:30:00.000000','2026-11-22');
INSERT INTO "command_window" VALUES(4,2,'2026-11-20 05:00:00.000000','2026-11-21 05:00:00.000000','2026-11-20');
INSERT INTO "command_window" VALUES(5,2,'2026-11-21 05:00:00.000000','2026-11-22 05:00:00.000000','2026-11-21');
INSERT INTO "command_window" VALUES(6,2,'2026-11-22 05:00:00.000000','2026-11-23 05:00:00.000000','2026-11-22');
INSERT INTO "command_window" VALUES(7,3,'2026-11-20 00:00:00.000000','2026-11-21 00:00:00.000000','2026-11-20');
INSERT INTO "command_window" VALUES(8,3,'2026-11-21 00:00:00.000000','2026-11-22 00:00:00.000000','2026-11-21');
INSERT INTO "command_window" VALUES(9,3,'2026-11-22 00:00:00.000000','2026-11-23 00:00:00.000000','2026-11-22');
INSERT INTO "command_window" VALUES(10,8,'2026-11-20 20:00:00.000000','2026-11-20 21:00:00.000000','2026-11-20T20');
INSERT INTO "command_window" VALUES(11,8,'2026-11-20 21:00:00.000000','2026-11-20 22:00:00.000000','2026-11-20T21');
INSERT INTO "command_window" VALUES(12,8,'2026-11-20 22:00:00.000000','2026-11-20 23:00:00.000000','2026-11-20T22');
INSERT INTO "command_window" VALUES(13,8,'2026-11-20 23:00:00.000000','2026-11-21 00:00:00.000000','2026-11-20T23');
INSERT INTO "command_window" VALUES(14,8,'2026-11-21 00:00:00.000000','2026-11-21 01:00:00.000000','2026-11-21T00');
INSERT INTO "command_window" VALUES(15,8,'2026-11-21 01:00:00.000000','2026-11-21 02:00:00.000000','2026-11-21T01');
INSERT INTO "command_window" VALUES(16,8,'2026-11-21 02:00:00.000000','2026-11-21 03:00:00.000000','2026-11-21T02');
INSERT INTO "command_window" VALUES(17,8,'2026-11-21 03:00:00.000000','2026-11-21 04:00:00.000000','2026-11-21T03');
INSERT INTO "command_window" VALUES(18,8,'2026-11-21 04:00:00.000000','2026-11-21 05:00:00.000000','2026-11-21T04');
INSERT INTO "command_window" VALUES(19,8,'2026-11-21 05:00:00.000000','2026-11-21 06:00:00.000000','2026-11-21T05');
INSERT INTO "command_window" VALUES(20,8,'2026-11-21 06:00:00.000000','2026-11-21 07:00:00.000000','2026-11-21T06');
INSERT INTO "command_window" VALUES(21,8,'2026-11-21 07:00:00.000000','2026-11-21 08:00:00.000000','2026-11-21T07');
INSERT INTO "command_window" VALUES(22,8,'2026-11-21 08:00:00.000000','2026-11-21 09:00:00.000000','2026-11-21T08');
INSERT INTO "command_window" VALUES(23,8,'2026-11-21 09:00:00.000000','2026-11-21 10:00:00.000000','2026-11-21T09');
INSERT INTO "command_window" VALUES(24,8,'2026-11-21 10:00:00.000000','2026-11-21 11:00:00.000000','2026-11-21T10');
INSERT INTO "command_window" VALUES(25,8,'2026-11-21 11:00:00.000000','2026-11-21 12:00:00.000000','2026-11-21T11');
INSERT INTO "command_window" VALUES(26,8,'2026-11-21 12:00:00.000000','2026-11-21 13:00:00.000000','2026-11-21T12');
INSERT INTO "command_window" VALUES(27,8,'2026-11-21 13:00:00.000000','2026-11-21 14:00:00.000000','2026-11-21T13');
INSERT INTO "command_window" VALUES(28,8,'2026-11-21 14:00:00.000000','2026-11-21 15:00:00.000000','2026-11-21T14');
INSERT INTO "command_window" VALUES(29,8,'2026-11-21 15:00:00.000000','2026-11-21 16:00:00.000000','2026-11-21T15');
INSERT INTO "command_window" VALUES(30,8,'2026-11-21 16:00:00.000000','2026-11-21 17:00:00.000000','2026-11-21T16');
INSERT INTO "command_window" VALUES(31,8,'2026-11-21 17:00:00.000000','2026-11-21 18:00:00.000000','2026-11-21T17');
INSERT INTO "command_window" VALUES(32,8,'2026-11-21 18:00:00.000000','2026-11-21 19:00:00.000000','2026-11-21T18');
INSERT INTO "command_window" VALUES(33,8,'2026-11-21 19:00:00.000000','2026-11-21 20:00:00.000000','2026-11-21T19');
INSERT INTO "command_window" VALUES(34,8,'2026-11-21 20:00:00.000000','2026-11-21 21:00:00.000000','2026-11-21T20');
INSERT INTO "command_window" VALUES(35,8,'2026-11-21 21:00:00.000000','2026-11-21 22:00:00.000000','2026-11-21T21');
INSERT INTO "command_window" VALUES(36,8,'2026-11-21 22:00:00.000000','2026-11-21 23:00:00.000000','2026-11-21T22');
INSERT INTO "command_window" VALUES(37,8,'2026-11-21 23:00:00.000000','2026-11-22 00:00:00.000000','2026-11-21T23');
INSERT INTO "command_window" VALUES(38,8,'2026-11-22 00:00:00.000000','2026-11-22 01:00:00.000000','2026-11-22T00');
INSERT INTO "command_window" VALUES(39,8,'2026-11-22 01:00:00.000000','2026-11-22 02:00:00.000000','2026-11-22T01');
INSERT INTO "command_window" VALUES(40,8,'2026-11-22 02:00:00.000000','2026-11-22 03:00:00.000000','2026-11-22T02');
INSERT INTO "command_window" VALUES(41,8,'2026-11-22 03:00:00.000000','2026-11-22 04:00:00.000000','2026-11-22T03');
INSERT INTO "command_window" VALUES(42,8,'2026-11-22 04:00:00.000000','2026-11-22 05:00:00.000000','2026-11-22T04');
INSERT INTO "command_window" VALUES(43,8,'2026-11-22 05:00:00.000000','2026-11-22 06:00:00.000000','2026-11-22T05');
INSERT INTO "command_window" VALUES(44,8,'2026-11-22 06:00:00.000000','2026-11-22 07:00:00.000000','2026-11-22T06');
INSERT INTO "command_window" VALUES(45,8,'2026-11-22 07:00:00.000000','2026-11-22 08:00:00.000000','2026-11-22T07');
INSERT INTO "command_window" VALUES(46,8,'2026-11-22 08:00:00.000000','2026-11-22 09:00:00.000000','2026-11-22T08');
INSERT INTO "command_window" VALUES(47,8,'2026-11-22 09:00:00.000000','2026-11-22 10:00:00.000000','2026-11-22T09');
INSERT INTO "command_window" VALUES(48,8,'2026-11-22 10:00:00.000000','2026-11-22 11:00:00.000000','2026-11-22T10');
INSERT INTO "command_window" VALUES(49,8,'2026-11-22 11:00:00.000000','2026-11-22 12:00:00.000000','2026-11-22T11');
INSERT INTO "command_window" VALUES(50,9,'2026-11-20 00:00:00.000000','2026-11-20 03:00:00.000000','2026-11-20T00:00');
INSERT INTO "command_window" VALUES(51,9,'2026-11-20 03:00:00.000000','2026-11-20 06:00:00.000000','2026-11-20T03:00');
INSERT INTO "command_window" VALUES(52,9,'2026-11-20 06:00:00.000000','2026-11-20 09:00:00.000000','2026-11-20T06:00');
INSERT INTO "command_window" VALUES(53,9,'2026-11-20 09:00:00.000000','2026-11-20 12:00:00.000000','2026-11-20T09:00');
INSERT INTO "command_window" VALUES(54,9,'2026-11-20 12:00:00.000000','2026-11-20 15:00:00.000000','2026-11-20T12:00');
INSERT INTO "command_window" VALUES(55,9,'2026-11-20 15:00:00.000000','2026-11-20 18:00:00.000000','2026-11-20T15:00');
INSERT INTO "command_window" VALUES(56,9,'2026-11-20 18:00:00.000000','2026-11-20 21:00:00.000000','2026-11-20T18:00');
INSERT INTO "command_window" VALUES(57,9,'2026-11-20 21:00:00.000000','2026-11-21 00:00:00.000000','2026-11-20T21:00');
INSERT INTO "command_window" VALUES(58,9,'2026-11-21 00:00:00.000000','2026-11-21 03:00:00.000000','2026-11-21T00:00');
INSERT INTO "command_window" VALUES(59,9,'2026-11-21 03:00:00.000000','2026-11-21 06:00:00.000000','2026-11-21T03:00');
INSERT INTO "command_window" VALUES(60,9,'2026-11-21 06:00:00.000000','2026-11-21 09:00:00.000000','2026-11-21T06:00');
INSERT INTO "command_window" VALUES(61,9,'2026-11-21 09:00:00.000000','2026-11-21 12:00:00.000000','2026-11-21T09:00');
INSERT INTO "command_window" VALUES(62,9,'2026-11-21 12:00:00.000000','2026-11-21 15:00:00.000000','2026-11-21T12:00');
INSERT INTO "command_window" VALUES(63,9,'2026-11-21 15:00:00.000000','2026-11-21 18:00:00.000000','2026-11-21T15:00');
INSERT INTO "command_window" VALUES(64,9,'2026-11-21 18:00:00.000000','2026-11-21 21:00:00.000000','2026-11-21T18:00');
INSERT INTO "command_window" VALUES(65,9,'2026-11-21 21:00:00.000000','2026-11-22 00:00:00.000000','2026-11-21T21:00');
INSERT INTO "command_window" VALUES(66,9,'2026-11-22 00:00:00.000000','2026-11-22 03:00:00.000000','2026-11-22T00:00');
INSERT INTO "command_window" VALUES(67,9,'2026-11-22 03:00:00.000000','2026-11-22 06:00:00.000000','2026-11-22T03:00');
INSERT INTO "command_window" VALUES(68,9,'2026-11-22 06:00:00.000000','2026-11-22 09:00:00.000000','2026-11-22T06:00');
INSERT INTO "command_window" VALUES(69,9,'2026-11-22 09:00:00.000000','2026-11-22 12:00:00.000000','2026-11-22T09:00');
INSERT INTO "command_window" VALUES(70,10,'2026-11-20 00:00:00.000000','2026-11-20 00:00:00.000000','once');
INSERT INTO "command_window" VALUES(71,11,'2026-11-20 00:00:00.000000','2026-11-21 00:00:00.000000','2026-11-20');
INSERT INTO "command_window" VALUES(72,11,'2026-11-21 00:00:00.000000','2026-11-22 00:00:00.000000','2026-11-21');
INSERT INTO "command_window" VALUES(73,11,'2026-11-22 00:00:00.000000','2026-11-23 00:00:00.000000','2026-11-22');
INSERT INTO "command_window" VALUES(74,8,'2026-11-22 12:00:00.000000','2026-11-22 13:00:00.000000','2026-11-22T12');
INSERT INTO "command_window" VALUES(75,9,'2026-11-22 12:00:00.000000','2026-11-22 15:00:00.000000','2026-11-22T12:00');
INSERT INTO "command_window" VALUES(76,8,'2026-11-22 13:00:00.000000','2026-11-22 14:00:00.000000','2026-11-22T13');
INSERT INTO "command_window" VALUES(77,8,'2026-11-22 14:00:00.000000','2026-11-22 15:00:00.000000','2026-11-22T14');
INSERT INTO "command_window" VALUES(78,8,'2026-11-22 15:00:00.000000','2026-11-22 16:00:00.000000','2026-11-22T15');
INSERT INTO "command_window" VALUES(79,9,'2026-11-22 15:00:00.000000','2026-11-22 18:00:00.000000','2026-11-22T15:00');
INSERT INTO "command_window" VALUES(80,8,'2026-11-22 16:00:00.000000','2026-11-22 17:00:00.000000','2026-11-22T16');
INSERT INTO "command_window" VALUES(81,8,'2026-11-22 17:00:00.000000','2026-11-22 18:00:00.000000','2026-11-22T17');
INSERT INTO "command_window" VALUES(82,1,'2026-11-22 18:30:00.000000','2026-11-23 18:30:00.000000','2026-11-23');
INSERT INTO "command_window" VALUES(83,5,'2026-11-22 18:30:00.000000','2026-11-29 18:30:00.000000','2026-W48');
INSERT INTO "command_window" VALUES(84,8,'2026-11-22 18:00:00.000000','2026-11-22 19:00:00.000000','2026-11-22T18');
INSERT INTO "command_window" VALUES(85,9,'2026-11-22 18:00:00.000000','2026-11-22 21:00:00.000000','2026-11-22T18:00');
INSERT INTO "command_window" VALUES(86,1,'2026-11-23 18:30:00.000000','2026-11-24 18:30:00.000000','2026-11-24');
INSERT INTO "command_window" VALUES(87,1,'2026-11-24 18:30:00.000000','2026-11-25 18:30:00.000000','2026-11-25');
INSERT INTO "command_window" VALUES(88,1,'2026-11-25 18:30:00.000000','2026-11-26 18:30:00.000000','2026-11-26');
INSERT INTO "command_window" VALUES(89,1,'2026-11-26 18:30:00.000000','2026-11-27 18:30:00.000000','2026-11-27');
INSERT INTO "command_window" VALUES(90,1,'2026-11-27 18:30:00.000000','2026-11-28 18:30:00.000000','2026-11-28');
INSERT INTO "command_window" VALUES(91,1,'2026-11-28 18:30:00.000000','2026-11-29 18:30:00.000000','2026-11-29');
INSERT INTO "command_window" VALUES(92,8,'2026-11-22 19:00:00.000000','2026-11-22 20:00:00.000000','2026-11-22T19');
INSERT INTO "command_window" VALUES(93,8,'2026-11-22 20:00:00.000000','2026-11-22 21:00:00.000000','2026-11-22T20');
INSERT INTO "command_window" VALUES(94,8,'2026-11-22 21:00:00.000000','2026-11-22 22:00:00.000000','2026-11-22T21');
INSERT INTO "command_window" VALUES(95,9,'2026-11-22 21:00:00.000000','2026-11-23 00:00:00.000000','2026-11-22T21:00');
INSERT INTO "command_window" VALUES(96,8,'2026-11-22 22:00:00.000000','2026-11-22 23:00:00.000000','2026-11-22T22');
INSERT INTO "command_window" VALUES(97,8,'2026-11-22 23:00:00.000000','2026-11-23 00:00:00.000000','2026-11-22T23');
INSERT INTO "command_window" VALUES(98,3,'2026-11-23 00:00:00.000000','2026-11-24 00:00:00.000000','2026-11-23');
INSERT INTO "command_window" VALUES(99,7,'2026-11-23 00:00:00.000000','2026-11-30 00:00:00.000000','2026-W48');
INSERT INTO "command_window" VALUES(100,8,'2026-11-23 00:00:00.000000','2026-11-23 01:00:00.000000','2026-11-23T00');
INSERT INTO "command_window" VALUES(101,9,'2026-11-23 00:00:00.000000','2026-11-23 03:00:00.000000','2026-11-23T00:00');
INSERT INTO "command_window" VALUES(102,11,'2026-11-23 00:00:00.000000','2026-11-24 00:00:00.000000','2026-11-23');
INSERT INTO "command_window" VALUES(103,3,'2026-11-24 00:00:00.000000','2026-11-25 00:00:00.000000','2026-11-24');
INSERT INTO "command_window" VALUES(104,3,'2026-11-25 00:00:00.000000','2026-11-26 00:00:00.000000','2026-11-25');
INSERT INTO "command_window" VALUES(105,3,'2026-11-26 00:00:00.000000','2026-11-27 00:00:00.000000','2026-11-26');
INSERT INTO "command_window" VALUES(106,3,'2026-11-27 00:00:00.000000','2026-11-28 00:00:00.000000','2026-11-27');
INSERT INTO "command_window" VALUES(107,3,'2026-11-28 00:00:00.000000','2026-11-29 00:00:00.000000','2026-11-28');
INSERT INTO "command_window" VALUES(108,3,'2026-11-29 00:00:00.000000','2026-11-30 00:00:00.000000','2026-11-29');
INSERT INTO "command_window" VALUES(109,8,'2026-11-23 01:00:00.000000','2026-11-23 02:00:00.000000','2026-11-23T01');
INSERT INTO "command_window" VALUES(110,8,'2026-11-23 02:00:00.000000','2026-11-23 03:00:00.000000','2026-11-23T02');
INSERT INTO "command_window" VALUES(111,8,'2026-11-23 03:00:00.000000','2026-11-23 04:00:00.000000','2026-11-23T03');
INSERT INTO "command_window" VALUES(112,9,'2026-11-23 03:00:00.000000','2026-11-23 06:00:00.000000','2026-11-23T03:00');
INSERT INTO "command_window" VALUES(113,8,'2026-11-23 04:00:00.000000','2026-11-23 05:00:00.000000','2026-11-23T04');
INSERT INTO "command_window" VALUES(114,2,'2026-11-23 05:00:00.000000','2026-11-24 05:00:00.000000','2026-11-23');
INSERT INTO "command_window" VALUES(115,6,'2026-11-23 05:00:00.000000','2026-11-30 05:00:00.000000','2026-W48');
INSERT INTO "command_window" VALUES(116,8,'2026-11-23 05:00:00.000000','2026-11-23 06:00:00.000000','2026-11-23T05');
INSERT INTO "command_window" VALUES(117,2,'2026-11-24 05:00:00.000000','2026-11-25 05:00:00.000000','2026-11-24');
INSERT INTO "command_window" VALUES(118,2,'2026-11-25 05:00:00.000000','2026-11-26 05:00:00.000000','2026-11-25');
INSERT INTO "command_window" VALUES(119,2,'2026-11-26 05:00:00.000000','2026-11-27 05:00:00.000000','2026-11-26');
INSERT INTO "command_window" VALUES(120,2,'2026-11-27 05:00:00.000000','2026-11-28 05:00:00.000000','2026-11-27');
INSERT INTO "command_window" VALUES(121,2,'2026-11-28 05:00:00.000000','2026-11-29 05:00:00.000000','2026-11-28');
INSERT INTO "command_window" VALUES(122,2,'2026-11-29 05:00:00.000000','2026-11-30 05:00:00.000000','2026-11-29');
INSERT INTO "command_window" VALUES(123,8,'2026-11-23 06:00:00.000000','2026-11-23 07:00:00.000000','2026-11-23T06');
INSERT INTO "command_window" VALUES(124,9,'2026-11-23 06:00:00.000000','2026-11-23 09:00:00.000000','2026-11-23T06:00');
INSERT INTO "command_window" VALUES(125,8,'2026-11-23 07:00:00.000000','2026-11-23 08:00:00.000000','2026-11-23T07');
CREATE TABLE command_window_relation (
	window_rule SMALLINT NOT NULL, 
	child_window_id INTEGER NOT NULL, 
	parent_window_id INTEGER NOT NULL, 
	CONSTRAINT command_window_relation_pkey PRIMARY KEY (window_rule, child_window_id, parent_window_id), 
	CONSTRAINT command_window_relation_child_window_id_fkey FOREIGN KEY(child_window_id) REFERENCES command_window (id) ON DELETE CASCADE, 
	CONSTRAINT command_window_relation_parent_window_id_fkey FOREIGN KEY(parent_window_id) REFERENCES command_window (id) ON DELETE CASCADE
);
INSERT INTO "command_window_relation" VALUES(1,1,1);
INSERT INTO "command_window_relation" VALUES(1,2,2);
INSERT INTO "command_window_relation" VALUES(1,3,3);
INSERT INTO "command_window_relation" VALUES(1,4,4);
INSERT INTO "command_window_relation" VALUES(1,5,5);
INSERT INTO "command_window_relation" VALUES(1,6,6);
INSERT INTO "command_window_relation" VALUES(1,7,7);
INSERT INTO "command_window_relation" VALUES(1,8,8);
INSERT INTO "command_window_relation" VALUES(1,9,9);
INSERT INTO "command_window_relation" VALUES(0,83,82);
INSERT INTO "command_window_relation" VALUES(0,83,86);
INSERT INTO "command_window_relation" VALUES(0,83,87);
INSERT INTO "command_window_relation" VALUES(0,83,88);
INSERT INTO "command_window_relation" VALUES(0,83,89);
INSERT INTO "command_window_relation" VALUES(0,83,90);
INSERT INTO "command_window_relation" VALUES(0,83,91);
INSERT INTO "command_window_relation" VALUES(1,82,82);
INSERT INTO "command_window_relation" VALUES(0,99,98);
INSERT INTO "command_window_relation" VALUES(0,99,103);
INSERT INTO "command_window_relation" VALUES(0,99,104);
INSERT INTO "command_window_relation" VALUES(0,99,105);
INSERT INTO "command_window_relation" VALUES(0,99,106);
INSERT INTO "command_window_relation" VALUES(0,99,107);
INSERT INTO "command_window_relation" VALUES(0,99,108);
INSERT INTO "command_window_relation" VALUES(1,98,98);
INSERT INTO "command_window_relation" VALUES(0,115,114);
INSERT INTO "command_window_relation" VALUES(0,115,117);
INSERT INTO "command_window_relation" VALUES(0,115,118);
INSERT INTO "command_window_relation" VALUES(0,115,119);
INSERT INTO "command_window_relation" VALUES(0,115,120);
INSERT INTO "command_window_relation" VALUES(0,115,121);
INSERT INTO "command_window_relation" VALUES(0,115,122);
INSERT INTO "command_window_relation" VALUES(1,114,114);
CREATE INDEX command_agent_session_agent_idx ON command_agent_session (agent);
CREATE INDEX command_member_account_id_idx ON command_member (account_id);
CREATE INDEX command_member_arrival_idx ON command_member (matrix_id, timezone, arrival);
CREATE INDEX command_member_parent_id_idx ON command_member (parent_id);
CREATE INDEX command_window_ends_at_idx ON command_window (ends_at);
CREATE INDEX command_window_label_idx ON command_window (label);
CREATE INDEX command_definition_dependency_child_id_idx ON command_definition_dependency (child_id);
CREATE INDEX command_member_ancestor_ancestor_idx ON command_member_ancestor (ancestor_id, member_matrix_id, member_id);
CREATE INDEX command_slot_active_idx ON command_slot (definition_id) WHERE state = 1;
CREATE INDEX command_slot_decided_at_idx ON command_slot (decided_at);
CREATE INDEX command_slot_member_idx ON command_slot (member_id, definition_id);
CREATE INDEX command_slot_skipped_idx ON command_slot (definition_id) WHERE state = 4;
CREATE INDEX command_slot_undecided_idx ON command_slot (window_id, definition_id) WHERE state = 0;
CREATE INDEX command_window_relation_parent_window_id_idx ON command_window_relation (parent_window_id);
CREATE UNIQUE INDEX command_run_live_idx ON command_run (slot_id) WHERE status IN (0, 1);
CREATE INDEX command_run_running_idx ON command_run (agent) WHERE status = 1;
CREATE INDEX command_run_waiting_idx ON command_run (source_id, priority DESC, id) WHERE status = 0;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('command_agent_session',1);
INSERT INTO "sqlite_sequence" VALUES('command_event',48);
INSERT INTO "sqlite_sequence" VALUES('command_run',23);
COMMIT;
