-- Gives {{ s.rows.len() }} rows of table `{{ s.plain_table }}` their former values back, from the copy `{{ s.plain_copy }}`.
-- 从副本 `{{ s.plain_copy }}` 恢复表 `{{ s.plain_table }}` 中 {{ s.rows.len() }} 行的原有内容。
--
-- How to run it / 运行方法:
--
--     mysql -u root -p {{ s.database }} < {{ s.undo_file }}
--     docker exec -i CONTAINER mysql -u root {{ s.database }} < {{ s.undo_file }}
{% if s.database == "DATABASE" %}--
-- DATABASE is the one that has the table.  DATABASE 为含有该表的数据库名。
{% endif %}--
-- This file holds no key. At the first thing that is not in order the client stops with ERROR 1242 and a line number,
-- and the rows stay as they were; that line of this file names what it is. It may be run again at any time. The copy
-- stays; drop it when everything has worked for a while.
-- 本文件不含私钥。任何一项不符, 客户端即以 ERROR 1242 和行号停止, 数据保持原样; 本文件的该行写明是哪一项。可重复执行。
-- 副本表会保留, 确认一切正常后可自行删除。

-- 1 gives up what somebody else wrote into these rows meanwhile.  设为 1 则放弃他人在此期间写入这些行的内容。
set @discard_changes = 0;

{{ s.start }}
-- 1. Each key is in the table and in the copy exactly once.  每个 key 在表和副本中恰有一行。
set @go = if(@go = 1 and {% for row in s.rows %}(select count(*) from {{ s.table }} where {{ row.is }}) = 1
  and (select count(*) from {{ s.copy }} where {{ row.is }}) = 1{% if !loop.last %} and {% endif %}{% endfor %}, 1, 0);
select {{ s.stop }} as `1_each_key_is_there_once`;

start transaction;
select {{ s.key }} as `locked` from {{ s.table }} where {{ s.any_key }} for update;

-- 2. Each row holds what the update wrote, or its former value already.  每行是更新写入的内容, 或已是原有内容。
set @go = if(@go = 1 and (@discard_changes = 1 or (select count(*) from {{ s.table }} t join {{ s.copy }} c on {{ s.same_key }}
  where {{ s.same_value }} and ({{ s.any_key_of_t }}) or {% for row in s.rows %}({{ row.is_t }} and {{ row.has_digest_t }}){% if !loop.last %} or {% endif %}{% endfor %}) = {{ s.rows.len() }}), 1, 0);
select {{ s.stop }} as `2_nobody_changed_the_rows`;

update {{ s.table }} t join {{ s.copy }} c on {{ s.same_key }} set t.{{ s.value }} = c.{{ s.value }} where ({{ s.any_key_of_t }}) and @go = 1;

-- 3. Each row holds its former value.  每行均为原有内容。
set @go = if(@go = 1 and (select count(*) from {{ s.table }} t join {{ s.copy }} c on {{ s.same_key }} where {{ s.same_value }} and ({{ s.any_key_of_t }})) = {{ s.rows.len() }}, 1, 0);
select {{ s.stop }} as `3_each_row_holds_its_former_value`;

{{ s.commit }}
{% for row in s.rows -%}
select {{ row.literal }} as `key`, if((select count(*) from {{ s.table }} t join {{ s.copy }} c on {{ s.same_key }} where {{ s.same_value }} and {{ row.is_t }}) = 1, 'ok', 'NOT RESTORED') as `result`;
{% endfor -%}
{{ s.end }}
