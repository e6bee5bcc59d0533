-- An airline's local day in numbers: one row an airport.
CREATE PROCEDURE agg.update_delays(
    account text, day date, "from" timestamptz, "to" timestamptz, OUT rows_written bigint
)
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM agg.delays AS d
    WHERE d.account = update_delays.account AND d.day = update_delays.day;

    INSERT INTO agg.delays (account, day, origin, flights, cancelled, late, departure_delay, arrival_delay)
    SELECT
        f.account,
        update_delays.day,
        f.origin,
        count(*),
        count(*) FILTER (WHERE f.departure_delay IS NULL),
        count(*) FILTER (WHERE f.departure_delay > 15),
        coalesce(sum(f.departure_delay), 0),
        coalesce(sum(f.arrival_delay), 0)
    FROM raw.flights AS f
    WHERE f.account = update_delays.account
      AND f.scheduled_at >= update_delays."from" AND f.scheduled_at < update_delays."to"
    GROUP BY f.account, f.origin;

    GET DIAGNOSTICS rows_written = ROW_COUNT;
    RAISE NOTICE '% on %: % airports', update_delays.account, update_delays.day, rows_written;
END
$$;

CREATE PROCEDURE agg.update_weather(day date, "from" timestamptz, "to" timestamptz, OUT rows_written bigint)
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM agg.weather AS a WHERE a.day = update_weather.day;

    INSERT INTO agg.weather (
        day, origin, observations, mean_temperature, max_wind_speed, precipitation, min_visibility
    )
    SELECT
        update_weather.day,
        w.origin,
        count(*),
        avg(w.temperature),
        max(w.wind_speed),
        sum(w.precipitation),
        min(w.visibility)
    FROM raw.weather AS w
    WHERE w.observed_at >= update_weather."from" AND w.observed_at < update_weather."to"
    GROUP BY w.origin;

    GET DIAGNOSTICS rows_written = ROW_COUNT;
END
$$;

-- Departures beside the weather of their hour. Flights in an hour that the station did not report are left out, and
-- said so: a gap in the weather must not look like calm.
CREATE PROCEDURE agg.update_weather_impact(
    account text, "from" timestamptz, "to" timestamptz, OUT rows_written bigint
)
LANGUAGE plpgsql AS $$
DECLARE
    without_weather bigint;
BEGIN
    DELETE FROM agg.weather_impact AS i
    WHERE i.account = update_weather_impact.account
      AND i.hour_at >= update_weather_impact."from" AND i.hour_at < update_weather_impact."to";

    INSERT INTO agg.weather_impact (
        account, hour_at, origin, hour_of_day, departed, mean_delay, wind_speed, precipitation, visibility
    )
    SELECT
        f.account,
        w.observed_at,
        f.origin,
        extract(hour FROM w.observed_at AT TIME ZONE 'America/New_York'),
        count(*),
        avg(f.departure_delay),
        w.wind_speed,
        w.precipitation,
        w.visibility
    FROM raw.flights AS f
    JOIN raw.weather AS w ON w.origin = f.origin AND w.observed_at = date_trunc('hour', f.scheduled_at)
    WHERE f.account = update_weather_impact.account
      AND f.scheduled_at >= update_weather_impact."from" AND f.scheduled_at < update_weather_impact."to"
      AND f.departure_delay IS NOT NULL
      AND num_nonnulls(w.wind_speed, w.precipitation, w.visibility) = 3
    GROUP BY f.account, f.origin, w.observed_at, w.wind_speed, w.precipitation, w.visibility;

    GET DIAGNOSTICS rows_written = ROW_COUNT;

    SELECT count(*) INTO without_weather
    FROM raw.flights AS f
    WHERE f.account = update_weather_impact.account
      AND f.scheduled_at >= update_weather_impact."from" AND f.scheduled_at < update_weather_impact."to"
      AND NOT EXISTS (
          SELECT FROM raw.weather AS w
          WHERE w.origin = f.origin AND w.observed_at = date_trunc('hour', f.scheduled_at)
      );
    IF without_weather > 0 THEN
        RAISE NOTICE '% flights of % left in hours without a weather report',
            without_weather, update_weather_impact.account;
    END IF;
END
$$;

-- Which aircraft flew for an airline in a week. The register does not know all tail numbers.
CREATE PROCEDURE agg.update_fleet(
    account text, week text, "from" timestamptz, "to" timestamptz, OUT rows_written bigint
)
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM agg.fleet AS a WHERE a.account = update_fleet.account AND a.week = update_fleet.week;

    INSERT INTO agg.fleet (account, week, manufacturer, aircraft, flights, mean_age)
    SELECT
        f.account,
        update_fleet.week,
        coalesce(p.manufacturer, 'not registered'),
        count(DISTINCT f.tail_number),
        count(*),
        avg(extract(year FROM f.scheduled_at) - p.built)
    FROM raw.flights AS f
    LEFT JOIN raw.planes AS p ON p.tail_number = f.tail_number
    WHERE f.account = update_fleet.account
      AND f.scheduled_at >= update_fleet."from" AND f.scheduled_at < update_fleet."to"
      AND f.tail_number IS NOT NULL
    GROUP BY f.account, coalesce(p.manufacturer, 'not registered');

    GET DIAGNOSTICS rows_written = ROW_COUNT;
END
$$;
