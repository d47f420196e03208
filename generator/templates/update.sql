-- Writes renewed certificates and their private key into table `{{ s.plain_table }}` of the Manager database.
-- 把更新后的证书及其私钥写入 Manager 数据库的表 `{{ s.plain_table }}`。
--
-- SECRET: this file holds the private key. Do not copy it further than needed, and delete it afterwards.
-- A general query log of the server would hold it too: turn that off meanwhile (set global general_log = 0).
-- 机密: 本文件含有私钥。请勿多处复制, 用完即删。服务器若开启了 general_log, 私钥会进入日志, 请先关闭。
--
-- How to run it, as a database user who may change rows and create tables:
-- 运行方法 (数据库用户须有修改数据和建表的权限):
--
--     mysql -u root -p {{ s.database }} < {{ s.update_file }}
--     docker exec -i CONTAINER mysql -u root {{ s.database }} < {{ s.update_file }}
{% if s.database == "DATABASE" %}--
-- DATABASE is the one that has the table.  DATABASE 为含有该表的数据库名。
{% endif %}--
-- What it does: makes table `{{ s.plain_copy }}`, a copy of the whole table (kept as it is when it is there already), then
-- changes {{ s.rows.len() }} rows in one transaction, compares each with what it should hold, and only then commits. At
-- the first thing that is not in order the client stops with ERROR 1242 and a line number, and the rows stay as they
-- were; that line of this file names what it is. It may be run again at any time. At the end stands ok for each key.
-- 过程: 先把整张表复制为 `{{ s.plain_copy }}` (已有则保留不动), 再在一个事务里修改 {{ s.rows.len() }} 行, 逐行核对内容后才提交。
-- 任何一项不符, 客户端即以 ERROR 1242 和行号停止, 数据保持原样; 本文件的该行写明是哪一项。本脚本可重复执行。成功后末尾每个 key 显示 ok。
--
-- The way back / 回退: {{ s.undo_file }}
-- Values stand in hexadecimal (unhex, since MySQL 4.1; from_base64 came with 5.6 only), so no SQL mode changes them.

{{ s.start }}-- The new values.  新的内容。
@VALUES@

-- 1. Each key is in the table exactly once.  每个 key 在表中恰有一行。
set @go = if(@go = 1 and ({% for row in s.rows %}(select count(*) from {{ s.table }} where {{ row.is }}) = 1{% if !loop.last %} and {% endif %}{% endfor %}), 1, 0);
select {{ s.stop }} as `1_each_key_is_there_once`;

-- 2. The column is wide enough.  列宽足够。
set @go = if(@go = 1 and (select count(*) from information_schema.columns where table_schema = database() and table_name = '{{ s.plain_table }}'
  and column_name = '{{ s.plain_value }}' and character_maximum_length >= {{ s.longest }} and character_octet_length >= {{ s.longest }}) = 1, 1, 0);
select {{ s.stop }} as `2_the_column_is_wide_enough`;

-- 3. Without transactions (MyISAM) the rows change one after another. If the server fails in between, run this script
--    again, or the way back.  表不支持事务 (MyISAM) 时逐行修改; 若中途服务器故障, 请重新执行本脚本或回退脚本。
select if((select e.transactions from information_schema.tables t join information_schema.engines e on e.engine = t.engine
  where t.table_schema = database() and t.table_name = '{{ s.plain_table }}') = 'YES', 'yes', 'NO: see the comment') as `3_all_rows_or_none`;

-- 4. The copy of the table.  复制整张表。
create table if not exists {{ s.copy }} like {{ s.table }};
set @lacks = if((select count(*) from {{ s.copy }} where {{ s.any_key }}) < {{ s.rows.len() }}
  or ((select count(*) from {{ s.table }} where {% for row in s.rows %}({{ row.is }} and {{ row.holds }}){% if !loop.last %} or {% endif %}{% endfor %}) = 0
    and (select count(*) from {{ s.copy }}) < (select count(*) from {{ s.table }})), 1, 0);
insert into {{ s.copy }} select t.* from {{ s.table }} t left join {{ s.copy }} c on {{ s.same_key }}
  where c.{{ s.key }} is null and @lacks = 1 and @go = 1;
commit;

start transaction;
select {{ s.key }} as `locked` from {{ s.table }} where {{ s.any_key }} for update;

-- 5. For each key, the copy holds what the table holds, or the table holds the new value already.
--    对每个 key, 副本与表中内容一致, 或表中已是新内容。
set @go = if(@go = 1 and (select count(*) from {{ s.table }} t join {{ s.copy }} c on {{ s.same_key }} where {{ s.any_key_of_t }}) = {{ s.rows.len() }}
  and (select count(*) from {{ s.table }} t join {{ s.copy }} c on {{ s.same_key }} where {{ s.same_value }} and ({{ s.any_key_of_t }})
    or {% for row in s.rows %}({{ row.is_t }} and {{ row.holds_t }}){% if !loop.last %} or {% endif %}{% endfor %}) = {{ s.rows.len() }}, 1, 0);
select {{ s.stop }} as `5_the_copy_is_whole`;

set @began = @go;
{% for row in s.rows -%}
update {{ s.table }} set {{ s.value }} = convert(@value_{{ row.number }} using utf8mb4) where {{ row.is }} and @go = 1;
{% endfor %}
-- 6. Each row holds its new value. If not, the former values come back from the copy: on MyISAM nothing else would.
--    每行均为新内容; 否则从副本恢复原值 (MyISAM 无法回滚)。
set @go = if(@go = 1 and {% for row in s.rows %}(select count(*) from {{ s.table }} where {{ row.is }} and {{ row.holds }}) = 1{% if !loop.last %} and {% endif %}{% endfor %}, 1, 0);
update {{ s.table }} t join {{ s.copy }} c on {{ s.same_key }} set t.{{ s.value }} = c.{{ s.value }} where ({{ s.any_key_of_t }}) and @began = 1 and @go = 0;
select {{ s.stop }} as `6_each_row_holds_its_new_value`;

{{ s.commit }}
{% for row in s.rows -%}
select {{ row.literal }} as `key`, if((select count(*) from {{ s.table }} where {{ row.is }} and {{ row.holds }}) = 1, 'ok', 'NOT CHANGED') as `result`;
{% endfor -%}
{{ s.end }}
