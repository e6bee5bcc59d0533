-- The week over all airlines. Airlines end their week at different instants, so the week's label joins them.
CREATE PROCEDURE report.update_week(week text, "from" timestamptz, "to" timestamptz, OUT airlines bigint)
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM report.week AS r WHERE r.week = update_week.week;

    INSERT INTO report.week (week, airlines, flights, cancelled, departure_delay, most_punctual, windiest_day)
    SELECT
        a.week,
        count(*),
        sum(a.flights),
        sum(a.cancelled),
        sum(a.departure_delay),
        (array_agg(a.account ORDER BY a.late::double precision / a.flights, a.flights DESC))[1],
        (
            SELECT w.day FROM agg.weather AS w
            WHERE w.day >= (update_week."from" AT TIME ZONE 'UTC')::date
              AND w.day < (update_week."to" AT TIME ZONE 'UTC')::date
            ORDER BY w.max_wind_speed DESC NULLS LAST, w.day
            LIMIT 1
        )
    FROM report.airline_week AS a
    WHERE a.week = update_week.week
    GROUP BY a.week;

    SELECT r.airlines INTO update_week.airlines FROM report.week AS r WHERE r.week = update_week.week;
END
$$;

CREATE PROCEDURE ops.note_incident(subject text, note text)
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ops.incidents (subject, note) VALUES (note_incident.subject, note_incident.note)
    ON CONFLICT ON CONSTRAINT incidents_pkey DO NOTHING;
END
$$;
