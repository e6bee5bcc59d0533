-- Conductor runs a command at least once. So every procedure clears its window before it fills it, and a second run
-- leaves the same rows as the first.

CREATE PROCEDURE raw.load_weather("from" timestamptz, "to" timestamptz, OUT rows_written bigint)
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM raw.weather AS w
    WHERE w.observed_at >= load_weather."from" AND w.observed_at < load_weather."to";

    INSERT INTO raw.weather (origin, observed_at, temperature, wind_speed, precipitation, visibility)
    SELECT f.origin, f.time_hour, f.temp, f.wind_speed, f.precip, f.visib
    FROM feed.weather AS f
    WHERE f.time_hour >= load_weather."from" AND f.time_hour < load_weather."to";

    GET DIAGNOSTICS rows_written = ROW_COUNT;
END
$$;
